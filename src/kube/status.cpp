#include "kube/status.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace fluxmetrics::kube {

boost::json::value to_object(const Status& status) {
  boost::json::object body = {{"kind", "Status"},
                              {"apiVersion", "v1"},
                              {"metadata", boost::json::object()},
                              {"status", "Failure"},
                              {"message", status.message}};
  if (!status.reason.empty()) body["reason"] = status.reason;
  boost::json::object details;
  if (!status.details.name.empty()) details["name"] = status.details.name;
  if (!status.details.group.empty()) details["group"] = status.details.group;
  if (!status.details.kind.empty()) details["kind"] = status.details.kind;
  for (const auto& cause : status.details.causes) {
    if (!details.contains("causes")) details["causes"].emplace_array();
    details["causes"].as_array().push_back(
        boost::json::object{{"reason", cause.reason}, {"message", cause.message}, {"field", cause.field}});
  }
  if (status.empty_details || !details.empty()) body["details"] = std::move(details);
  body["code"] = status.code;
  return body;
}

http::Response to_response(const Status& status, Form form) {
  http::Response response;
  response.status = status.code;
  response.content_type = media_type(form.format);
  response.body = std::make_shared<const std::string>(encode(to_object(status), form));
  return response;
}

}  // namespace fluxmetrics::kube
