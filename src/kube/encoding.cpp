#include "kube/encoding.hpp"

#include "kube/go_yaml.hpp"
#include "kube/protobuf.hpp"

namespace fluxmetrics::kube {

std::string_view media_type(Format format) {
  switch (format) {
    case Format::yaml:
      return "application/yaml";
    case Format::protobuf:
      return "application/vnd.kubernetes.protobuf";
    case Format::json:
      break;
  }
  return "application/json";
}

std::string encode(const boost::json::value& object, Form form) {
  switch (form.format) {
    case Format::yaml:
      return go_yaml(object);
    case Format::protobuf:
      return to_protobuf(object);
    case Format::json:
      break;
  }
  return json_body(object, form.layout);
}

}  // namespace fluxmetrics::kube
