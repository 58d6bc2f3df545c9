// What an API server tells of a MiniCluster (flux-framework.org/v1alpha2) when it is asked: the size that it
// should have, the size that the operator gave its Job, and its pods.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "kube/rest_client.hpp"

namespace fluxmetrics::kube {

struct MiniClusterSight {
  std::uint32_t size = 0;                    // spec.size
  std::optional<std::uint32_t> parallelism;  // spec.parallelism of the Job; nullopt: there is no Job yet
  std::set<std::uint32_t> terminating;       // completion indexes with a pod that is being deleted
  std::set<std::uint32_t> staying;           // completion indexes with a pod that is not
  [[nodiscard]] bool operator==(const MiniClusterSight&) const = default;
};

// Asks for all three anew, in this order, and not a cache: what is told happened before the call or during
// it. Pods come in pages, all as of the first one; each request has `timeout`. Errors: Code::denied with the
// right that is missing; not_found when there is no such MiniCluster; as RestClient::object().
boost::asio::awaitable<Result<MiniClusterSight>> look_at_minicluster(RestClient& client,
                                                                     std::string name_space, std::string name,
                                                                     Seconds timeout);

}  // namespace fluxmetrics::kube
