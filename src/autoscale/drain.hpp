// Job-safe scale-down of the top ranks: drain them, see them empty, only then lower the size; undrain on the
// way up.
#pragma once

#include <memory>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"
#include "flux/client.hpp"
#include "flux/idset.hpp"
#include "instance/scheduler.hpp"

namespace fluxmetrics::autoscale {

// Why we drain; whoever reads `flux resource drain` sees it, and the collector recognises our drains by its
// beginning.
inline constexpr std::string_view drain_reason = "flux-metrics-api: giving the node back";

// Whether nodes may be drained at all: not where the scheduler denies jobs that wait as soon as nodes go, nor
// where it may. Errors: Code::unsupported, with the way to mend it.
[[nodiscard]] Result<void> may_drain(const instance::Scheduler& scheduler);

// Drains `ranks` (also offline ones, so that a pod that comes up late gets no job) and then reads what is
// allocated. True when none of them holds anything any more: jobs in RUN and CLEANUP and housekeeping all
// count. May be called again and again until it is true; draining twice does no harm. Needs the instance
// owner. Errors: also those of may_drain(); nothing is drained then.
[[nodiscard]] boost::asio::awaitable<Result<bool>> drain_and_check(std::shared_ptr<flux::Client> client,
                                                                   flux::IdSet ranks);

// Lets `ranks` have jobs again; those that are not drained, or drained by somebody else, are left alone.
[[nodiscard]] boost::asio::awaitable<Result<void>> undrain_ours(std::shared_ptr<flux::Client> client,
                                                                flux::IdSet ranks);

}  // namespace fluxmetrics::autoscale
