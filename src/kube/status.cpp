#include "kube/status.hpp"

#include <boost/json/object.hpp>

namespace fluxmetrics::kube {

std::string to_json(const Status& status, Layout layout) {
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
  if (status.empty_details || !details.empty()) body["details"] = std::move(details);
  body["code"] = status.code;
  return json_body(body, layout);
}

http::Response to_response(const Status& status, Layout layout) {
  http::Response response;
  response.status = status.code;
  response.body = std::make_shared<const std::string>(to_json(status, layout));
  return response;
}

}  // namespace fluxmetrics::kube
