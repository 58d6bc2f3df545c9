#include "kube/openapi.hpp"

#include <boost/json/object.hpp>

#include "kube/openapi_operations.hpp"
#include "kube/openapi_schemas.hpp"

namespace fluxmetrics::kube {
namespace {

using boost::json::object;

object info(const std::string& program_version) {
  return {{"title", "flux-metrics-api"},
          {"description", "Metrics of a Flux instance for the autoscalers of Kubernetes."},
          {"version", "v" + program_version}};
}

void append(object& to, object&& from) {
  for (auto& member : from)
    to.insert_or_assign(member.key(), std::move(member.value()));
}

}  // namespace

boost::json::value swagger_document(const std::string& program_version) {
  object paths;
  object definitions;
  for (const auto& api : metrics_apis) {
    append(paths, openapi_paths(api, Dialect::swagger));
    append(definitions, openapi_schemas(api, Dialect::swagger));
  }
  return object{{"swagger", "2.0"},
                {"info", info(program_version)},
                {"paths", std::move(paths)},
                {"definitions", std::move(definitions)}};
}

boost::json::value openapi_document(const MetricsApi& api, const std::string& program_version) {
  return object{{"openapi", "3.0.0"},
                {"info", info(program_version)},
                {"paths", openapi_paths(api, Dialect::openapi)},
                {"components", object{{"schemas", openapi_schemas(api, Dialect::openapi)}}}};
}

}  // namespace fluxmetrics::kube
