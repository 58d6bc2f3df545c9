// What the link to a cluster tells of the MiniCluster: to whoever drains, and to whoever keeps a size.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "autoscale/round.hpp"
#include "instance/state.hpp"
#include "server/cluster_link.hpp"

namespace fluxmetrics::server {

// `cluster` is null where there is none, and otherwise lives as long as what is returned; so does `name`,
// which returns "" while nobody knows.
[[nodiscard]] autoscale::WatchedCluster watched(ClusterLink* cluster, const std::string& name_space,
                                                std::function<std::string()> name);

// The Job's size, as far as its pods tell of it, else that of the ranks online.
[[nodiscard]] std::function<std::uint32_t(const instance::InstanceState&)> size_in_effect(
    const ClusterLink* cluster);

}  // namespace fluxmetrics::server
