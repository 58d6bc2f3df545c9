#include "api/objects.hpp"

#include <algorithm>
#include <fmt/ranges.h>

#include "api/metric_status.hpp"

namespace fluxmetrics::api {
namespace {

using Found = std::expected<std::vector<FoundObject>, kube::Status>;

constexpr std::size_t most_named = 20;  // pods in a sentence

enum class Kind { none, service, minicluster, name_space, pod };

Kind kind_of(const MetricPath& path) {
  if (path.of_pods) return Kind::pod;
  const std::string_view resource = path.resource;
  const auto dot = resource.find('.');
  const auto name = resource.substr(0, dot);
  if (dot != std::string_view::npos) {
    const bool ours = resource.substr(dot + 1) == minicluster_group;
    return ours && (name == "miniclusters" || name == "minicluster") ? Kind::minicluster : Kind::none;
  }
  if (name == "services" || name == "service") return Kind::service;
  if (name == "miniclusters" || name == "minicluster") return Kind::minicluster;
  if ((name == "namespaces" || name == "namespace") && !path.namespaced) return Kind::name_space;
  return Kind::none;
}

// The labels that an object certainly has. Of a Service and a MiniCluster we know none: reading them would
// take more of the cluster's API.
std::vector<std::pair<std::string, std::string>> known_labels(const kube::ObjectReference& object) {
  if (object.kind != "Namespace") return {};
  return {{"kubernetes.io/metadata.name", object.name}};
}

// What a named GET must not contradict.
std::optional<kube::Status> check_name(const MetricPath& path, const MetricQuery& query) {
  const bool other_name = std::ranges::any_of(query.fields, [&](const FieldTerm& term) {
    return term.key == "metadata.name" && term.equal && term.value != path.name;
  });
  if (!other_name) return std::nullopt;
  return bad_request("fieldSelector metadata.name doesn't match requested name");
}

kube::ObjectReference reference_of(const kube::Pod& pod, const std::string& name_space) {
  return {.kind = "Pod", .namespace_ = name_space, .name = pod.name};
}

kube::Status pods_unknown(const MetricPath& path, const std::optional<Error>& trouble) {
  if (!trouble) return unavailable(path.metric, "the pods of the MiniCluster are not listed yet");
  if (trouble->code != Code::denied) {
    return unavailable(path.metric, "the pods of the MiniCluster cannot be listed: " + trouble->message);
  }
  return {.code = 403,
          .reason = "Forbidden",
          .message = fmt::format("the metric {} for {}: {}", path.metric, path.resource, trouble->message)};
}

std::string names_of(const kube::PodTable& pods) {
  if (pods.empty()) return "the MiniCluster has no pods now";
  std::vector<std::string_view> names;
  for (const auto& [index, pod] : pods) {
    if (names.size() == most_named) break;
    names.emplace_back(pod->name);
  }
  const auto rest = pods.size() - names.size();
  return fmt::format("the MiniCluster's pods are {}{}", fmt::join(names, ", "),
                     rest == 0 ? std::string() : fmt::format(" and {} more", rest));
}

}  // namespace

std::string minicluster_name(const std::string& said, const instance::InstanceState* state) {
  if (!said.empty() || state == nullptr) return said;
  const auto host = state->hostname.substr(0, state->hostname.find('.'));
  const auto dash = host.find_last_of('-');
  if (dash == std::string::npos || dash == 0 || dash + 1 == host.size()) return {};
  const bool indexed = host.find_first_not_of("0123456789", dash + 1) == std::string::npos;
  return indexed ? host.substr(0, dash) : std::string();
}

std::string Objects::there_are(const instance::InstanceState* state) const {
  const auto cluster = minicluster_name(options_.minicluster, state);
  const auto ours =
      cluster.empty() ? std::string() : fmt::format(" and miniclusters.{}/{}", minicluster_group, cluster);
  const auto* const unnamed =
      cluster.empty() && state != nullptr
          ? "; the MiniCluster is not known, the leader's host name does not end in -N: see "
            "--minicluster"
          : "";
  return fmt::format(
      "metrics describe services/{}{} in the namespace {}, the MiniCluster's pods, and namespaces/{}{}",
      options_.service_name, ours, options_.namespace_, options_.namespace_, unnamed);
}

Found Objects::find(const MetricPath& path, const MetricQuery& query,
                    const instance::InstanceState* state) const {
  const auto kind = kind_of(path);
  const bool here = !path.namespaced || path.namespace_ == options_.namespace_;
  if (kind == Kind::pod && here) return find_pods(path, query, state);
  kube::ObjectReference object;
  if (kind == Kind::service) {
    object = {.kind = "Service", .namespace_ = options_.namespace_, .name = options_.service_name};
  } else if (kind == Kind::name_space) {
    object = {.kind = "Namespace", .namespace_ = "", .name = options_.namespace_};
  } else if (kind == Kind::minicluster) {
    object = {.kind = "MiniCluster",
              .namespace_ = options_.namespace_,
              .name = minicluster_name(options_.minicluster, state),
              .api_version = fmt::format("{}/v1alpha2", minicluster_group)};
  }
  const bool all = path.name == "*";
  const bool there = here && !object.name.empty() && (all || path.name == object.name);
  if (!there) {
    if (here && kind == Kind::minicluster && object.name.empty() && state == nullptr) {
      return std::unexpected(unavailable(path.metric, "Flux has not reported the MiniCluster's name yet"));
    }
    auto hint = there_are(state);
    if (!here) hint = fmt::format("there is none in the namespace {}; {}", path.namespace_, hint);
    return std::unexpected(not_found(path, query.metric_labels, hint));
  }
  std::vector<FoundObject> found;
  if (!all) {
    if (auto refused = check_name(path, query)) return std::unexpected(std::move(*refused));
    found.push_back({.reference = std::move(object), .rank = {}});
  } else if (selects(query, object, known_labels(object))) {
    found.push_back({.reference = std::move(object), .rank = {}});
  }
  return found;
}

Found Objects::find_pods(const MetricPath& path, const MetricQuery& query,
                         const instance::InstanceState* state) const {
  if (pods_ == nullptr) {
    return std::unexpected(unavailable(
        path.metric, "pods are listed by the cluster's API, and this server has none: see --kubeconfig"));
  }
  const auto view = pods_->view();
  if (!view.table) {
    if (state != nullptr && minicluster_name(options_.minicluster, state).empty()) {
      return std::unexpected(not_found(path, query.metric_labels, there_are(state)));
    }
    return std::unexpected(pods_unknown(path, view.trouble));
  }
  const bool all = path.name == "*";
  std::vector<FoundObject> found;
  for (const auto& [index, pod] : *view.table) {
    auto reference = reference_of(*pod, options_.namespace_);
    if (all ? selects(query, reference, pod->labels) : pod->name == path.name) {
      found.push_back({.reference = std::move(reference), .rank = index});
    }
  }
  if (all) return found;
  if (found.empty()) return std::unexpected(not_found(path, query.metric_labels, names_of(*view.table)));
  if (auto refused = check_name(path, query)) return std::unexpected(std::move(*refused));
  return found;
}

}  // namespace fluxmetrics::api
