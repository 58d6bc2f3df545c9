#include "kube/discovery.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace fluxmetrics::kube {
namespace {

using boost::json::array;
using boost::json::object;

object version_entry(const ApiGroup& group, const std::string& version) {
  return {{"groupVersion", group.name + "/" + version}, {"version", version}};
}

// name, versions, preferredVersion: what both documents say of a group.
void describe(object& out, const ApiGroup& group) {
  array versions;
  for (const auto& version : group.versions)
    versions.push_back(version_entry(group, version));
  out["name"] = group.name;
  out["versions"] = std::move(versions);
  out["preferredVersion"] = version_entry(group, group.versions.front());
}

}  // namespace

boost::json::value api_group_list(std::span<const ApiGroup> groups, const std::string& server_address) {
  array list;
  for (const auto& group : groups) {
    object entry;
    describe(entry, group);
    if (!server_address.empty()) {
      entry["serverAddressByClientCIDRs"] =
          array{object{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", server_address}}};
    }
    list.push_back(std::move(entry));
  }
  return object{{"kind", "APIGroupList"}, {"groups", std::move(list)}};
}

boost::json::value api_group(const ApiGroup& group) {
  object out = {{"kind", "APIGroup"}, {"apiVersion", "v1"}};
  describe(out, group);
  return out;
}

boost::json::value api_resource_list(const std::string& group_version,
                                     std::span<const ApiResource> resources) {
  array list;
  for (const auto& resource : resources) {
    list.push_back(object{{"name", resource.name},
                          {"singularName", ""},
                          {"namespaced", resource.namespaced},
                          {"kind", resource.kind},
                          {"verbs", array{"get"}}});
  }
  return object{{"kind", "APIResourceList"},
                {"apiVersion", "v1"},
                {"groupVersion", group_version},
                {"resources", std::move(list)}};
}

}  // namespace fluxmetrics::kube
