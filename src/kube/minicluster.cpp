#include "kube/minicluster.hpp"

#include <limits>
#include <string_view>
#include <utility>

#include <boost/json/object.hpp>

#include "base/json_members.hpp"
#include "http/message.hpp"
#include "kube/pods.hpp"

namespace fluxmetrics::kube {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

std::string minicluster_path(const std::string& name_space, const std::string& name) {
  return fmt::format("/apis/flux-framework.org/v1alpha2/namespaces/{}/miniclusters/{}",
                     http::percent_encoded(name_space), http::percent_encoded(name));
}
std::string job_path(const std::string& name_space, const std::string& name) {
  return fmt::format("/apis/batch/v1/namespaces/{}/jobs/{}", http::percent_encoded(name_space),
                     http::percent_encoded(name));
}
// With what a cluster's own controllers write of each, a pod's metadata has some 5 KB.
constexpr int pods_a_page = 500;

std::string pods_path(const std::string& name_space, const std::string& job, const std::string& more) {
  return fmt::format("/api/v1/namespaces/{}/pods?labelSelector={}&limit={}{}{}",
                     http::percent_encoded(name_space),
                     http::percent_encoded("batch.kubernetes.io/job-name=" + job), pods_a_page,
                     more.empty() ? "" : "&continue=", http::percent_encoded(more));
}

// Names, labels and deletion times are all that is wanted of pods.
RestCall pods_call(const std::string& name_space, const std::string& job, const std::string& more,
                   Seconds timeout) {
  return {.path = pods_path(name_space, job, more),
          .headers = {{"Accept",
                       "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"}},
          .timeout = timeout};
}

// spec.NAME; nullopt when it is no number of pods.
std::optional<std::uint32_t> count_of(const json::object& object, std::string_view name) {
  const auto* spec = value_at(&object, "spec");
  const auto* value = value_at(spec == nullptr ? nullptr : spec->if_object(), name);
  const auto* number = value == nullptr ? nullptr : value->if_int64();
  if (number == nullptr || *number < 0 || *number > std::numeric_limits<std::int32_t>::max())
    return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

Error refused(Error why, std::string_view what, const std::string& name_space, std::string_view group,
              std::string_view resource) {
  if (why.code != Code::denied) return why;
  why.message = fmt::format(
      "this server is not allowed to read {}: {}; give it a Role in the namespace {} with apiGroups [{}], "
      "resources [{}], verbs [get, list, watch]",
      what, why.message, name_space, group, resource);
  return why;
}

// Of a list that goes on; "" at its end.
std::string next_page(const json::object& list) {
  return std::string(
      text_at(fluxmetrics::object_at(&list, "metadata"), "continue").value_or(std::string_view()));
}

Result<void> take_pods(const json::object& list, MiniClusterSight& sight) {
  const auto* items = array_at(&list, "items");
  if (items == nullptr) return fail(Code::protocol, "the API server's answer is not a list of pods");
  for (const auto& item : *items) {
    const auto* object = item.if_object();
    const auto pod = object == nullptr ? std::nullopt : pod_from_json(*object);
    if (pod) (pod->leaving ? sight.terminating : sight.staying).insert(pod->index);
  }
  return {};
}

}  // namespace

asio::awaitable<Result<MiniClusterSight>> look_at_minicluster(RestClient& client, std::string name_space,
                                                              std::string name, Seconds timeout) {
  MiniClusterSight sight;
  RestCall ask{.path = minicluster_path(name_space, name), .timeout = timeout};
  const auto minicluster = co_await client.object(std::move(ask));
  if (!minicluster) {
    co_return std::unexpected(
        refused(minicluster.error(), "its MiniCluster", name_space, "flux-framework.org", "miniclusters"));
  }
  const auto size = count_of(*minicluster, "size");
  if (!size) co_return fail(Code::protocol, "the MiniCluster {}/{} has no spec.size", name_space, name);
  sight.size = *size;

  RestCall ask_job{.path = job_path(name_space, name), .timeout = timeout};
  const auto job = co_await client.object(std::move(ask_job));
  if (job) {
    sight.parallelism = count_of(*job, "parallelism");
  } else if (job.error().code != Code::not_found) {
    co_return std::unexpected(refused(job.error(), "its MiniCluster's Job", name_space, "batch", "jobs"));
  }

  std::string more;
  do {
    auto ask_pods = pods_call(name_space, name, more, timeout);
    const auto pods = co_await client.object(std::move(ask_pods));
    if (!pods) co_return std::unexpected(refused(pods.error(), "pods", name_space, "\"\"", "pods"));
    if (const auto taken = take_pods(*pods, sight); !taken) co_return std::unexpected(taken.error());
    more = next_page(*pods);
  } while (!more.empty());
  co_return sight;
}

}  // namespace fluxmetrics::kube
