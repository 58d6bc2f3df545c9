#include "server/watched_cluster.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <boost/asio/awaitable.hpp>

#include "kube/minicluster.hpp"
#include "kube/pods.hpp"
#include "sizing/rooms.hpp"

namespace fluxmetrics::server {
namespace {

constexpr Seconds cluster_deadline{3};

flux::IdSet to_ranks(const std::set<std::uint32_t>& indexes) {
  flux::IdSet ranks;
  for (const auto index : indexes)
    ranks.insert(index);
  return ranks;
}

boost::asio::awaitable<Result<autoscale::ClusterLook>> look(kube::RestClient& client, std::string name_space,
                                                            std::string name) {
  if (name.empty())
    co_return fail(Code::unavailable,
                   "the name of the MiniCluster is not known yet: give --minicluster NAME");
  auto sight =
      co_await kube::look_at_minicluster(client, std::move(name_space), std::move(name), cluster_deadline);
  if (!sight) co_return std::unexpected(sight.error());
  co_return autoscale::ClusterLook{.size = sight->size,
                                   .parallelism = sight->parallelism,
                                   .terminating = to_ranks(sight->terminating),
                                   .staying = to_ranks(sight->staying)};
}

flux::IdSet leaving(const kube::PodStore& pods) {
  flux::IdSet indexes;
  const auto table = pods.view().table;
  if (!table) return indexes;
  for (const auto& [index, pod] : *table)
    if (pod->leaving) indexes.insert(index);
  return indexes;
}

}  // namespace

std::function<std::uint32_t(const instance::InstanceState&)> size_in_effect(const ClusterLink* cluster) {
  return [cluster](const instance::InstanceState& state) {
    auto size = sizing::end_of(state.online);
    if (cluster == nullptr) return size;
    const auto pods = cluster->pods().view().table;
    if (!pods) return size;
    for (const auto& [index, pod] : *pods)
      if (!pod->leaving) size = std::max(size, index + 1);
    return size;
  };
}

autoscale::WatchedCluster watched(ClusterLink* cluster, const std::string& name_space,
                                  std::function<std::string()> name) {
  if (cluster == nullptr) return {};
  return {.look = [&client = cluster->client(), name_space,
                   name = std::move(name)] { return look(client, name_space, name()); },
          .leaving = [&pods = cluster->pods()] { return leaving(pods); }};
}

}  // namespace fluxmetrics::server
