#include "kube/discovery.hpp"

#include <fmt/format.h>
#include <map>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace fluxmetrics::kube {
namespace {

using boost::json::array;
using boost::json::object;

object version_entry(const ApiGroup& group, const ApiVersion& version) {
  return {{"groupVersion", group.name + "/" + version.name}, {"version", version.name}};
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

// Readers refuse a null or missing responseKind; of a parent that cannot be read itself it is empty.
object response_kind(const std::string& kind) {
  return {{"group", ""}, {"version", ""}, {"kind", kind}};
}

object discovered(const std::string& name, bool namespaced, const std::string& kind) {
  object out = {{"resource", name},
                {"responseKind", response_kind(kind)},
                {"scope", namespaced ? "Namespaced" : "Cluster"},
                {"singularResource", ""}};
  out["verbs"] = kind.empty() ? array() : array{"get"};
  return out;
}

// Subresources stand below their parents, which come in the order in which they are first named.
array discovered(const std::vector<ApiResource>& resources) {
  array parents;
  std::map<std::string, std::size_t, std::less<>> places;
  for (const auto& resource : resources) {
    const auto slash = resource.name.find('/');
    const auto parent = resource.name.substr(0, slash);
    const bool whole = slash == std::string::npos;
    const auto [place, fresh] = places.emplace(parent, parents.size());
    if (fresh) parents.push_back(discovered(parent, resource.namespaced, whole ? resource.kind : ""));
    if (whole) continue;
    auto& subresources = parents[place->second].as_object()["subresources"];
    if (!subresources.is_array()) subresources.emplace_array();
    subresources.as_array().push_back(object{{"subresource", resource.name.substr(slash + 1)},
                                             {"responseKind", response_kind(resource.kind)},
                                             {"verbs", array{"get"}}});
  }
  return parents;
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

boost::json::value api_resource_list(const ApiGroup& group, const ApiVersion& version) {
  array list;
  for (const auto& resource : version.resources) {
    list.push_back(object{{"name", resource.name},
                          {"singularName", ""},
                          {"namespaced", resource.namespaced},
                          {"kind", resource.kind},
                          {"verbs", array{"get"}}});
  }
  return object{{"kind", "APIResourceList"},
                {"apiVersion", "v1"},
                {"groupVersion", group.name + "/" + version.name},
                {"resources", std::move(list)}};
}

boost::json::value api_group_discovery_list(std::string_view version, std::span<const ApiGroup> groups) {
  array items;
  for (const auto& group : groups) {
    array versions;
    for (const auto& described : group.versions) {
      versions.push_back(object{{"version", described.name},
                                {"resources", discovered(described.resources)},
                                {"freshness", "Current"}});
    }
    items.push_back(object{{"metadata", object{{"name", group.name}}}, {"versions", std::move(versions)}});
  }
  return object{{"kind", "APIGroupDiscoveryList"},
                {"apiVersion", fmt::format("apidiscovery.k8s.io/{}", version)},
                {"metadata", object()},
                {"items", std::move(items)}};
}

}  // namespace fluxmetrics::kube
