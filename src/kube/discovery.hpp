// Discovery documents (apidiscovery, unaggregated): which groups, versions and resources an API server has.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

namespace fluxmetrics::kube {

struct ApiGroup {
  std::string name;
  std::vector<std::string> versions;  // the preferred one first
};

// One entry of an APIResourceList; get is its only verb.
struct ApiResource {
  std::string name;  // "services/node_up_count"
  bool namespaced = true;
  std::string kind;
};

// `server_address` (":8443") is told to clients that look for it; "" leaves it out.
[[nodiscard]] boost::json::value api_group_list(std::span<const ApiGroup> groups,
                                                const std::string& server_address);
[[nodiscard]] boost::json::value api_group(const ApiGroup& group);
[[nodiscard]] boost::json::value api_resource_list(const std::string& group_version,
                                                   std::span<const ApiResource> resources);

}  // namespace fluxmetrics::kube
