// Discovery documents: which groups, versions and resources an API server has. Group by group and version by
// version for old clients, and all at once (apidiscovery.k8s.io) for the aggregator of newer clusters.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

namespace fluxmetrics::kube {

// One entry of an APIResourceList; get is its only verb.
struct ApiResource {
  std::string name;  // "services/node_up_count": what follows the slash is a subresource of what precedes it
  bool namespaced = true;
  std::string kind;
};

struct ApiVersion {
  std::string name;  // "v1beta1"
  std::vector<ApiResource> resources = {};
};

struct ApiGroup {
  std::string name;
  std::vector<ApiVersion> versions;  // the preferred one first
};

// `server_address` (":8443") is told to clients that look for it; "" leaves it out.
[[nodiscard]] boost::json::value api_group_list(std::span<const ApiGroup> groups,
                                                const std::string& server_address);
[[nodiscard]] boost::json::value api_group(const ApiGroup& group);
[[nodiscard]] boost::json::value api_resource_list(const ApiGroup& group, const ApiVersion& version);
// APIGroupDiscoveryList of apidiscovery.k8s.io in `version` ("v2" or "v2beta1", which differ in name only).
[[nodiscard]] boost::json::value api_group_discovery_list(std::string_view version,
                                                          std::span<const ApiGroup> groups);

}  // namespace fluxmetrics::kube
