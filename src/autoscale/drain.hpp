// What sizing/resize decides about Flux's ranks, done: to look at them, to drain and to undrain them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"
#include "flux/client.hpp"
#include "flux/idset.hpp"
#include "instance/scheduler.hpp"
#include "instance/state.hpp"
#include "sizing/resize.hpp"

namespace fluxmetrics::autoscale {

// Why we drain; whoever reads `flux resource drain` sees it, and the collector recognises our drains by its
// beginning.
inline constexpr std::string_view drain_reason = "flux-metrics-api: giving the node back";

// Whether this instance, as far as a contact tells of it, lets us drain nodes and makes sense of it. Errors:
// Code::denied to a guest; Code::unsupported in a job of another instance, whose ranks are no pods.
[[nodiscard]] Result<void> may_act(const instance::InstanceState& state);

// Whether nodes may be drained at all: not where the scheduler denies jobs that wait as soon as nodes go, nor
// where it may. Errors: Code::unsupported, with the way to mend it.
[[nodiscard]] Result<void> may_drain(const instance::Scheduler& scheduler);

// Flux's part of an observation: `ranks`, `online`, `ours`, `others` (with ranks that the configuration
// excludes: no job starts there, and Flux refuses to drain them), and then, asked for when the drains
// were told, `busy`. Jobs in RUN and CLEANUP and housekeeping make a rank busy, until it is offline.
[[nodiscard]] boost::asio::awaitable<Result<sizing::ResizeObservation>> look_at_ranks(
    std::shared_ptr<flux::Client> client);

// The same once the scheduler has taken in every drain that Flux acknowledged before: it may have granted a
// rank that it did not know to be drained, and Flux acknowledges a drain before it tells the scheduler.
// `ours` is without ranks that the scheduler still uses; what is in `ours` and not in `busy` stays empty.
[[nodiscard]] boost::asio::awaitable<Result<sizing::ResizeObservation>> look_behind_scheduler(
    std::shared_ptr<flux::Client> client);

// Drains `ranks`, also offline ones, so that a pod that comes up late gets no job; those that are drained
// already are left as they are, with their reason. `reason` begins with instance::own_drain_prefix. Flux has
// acknowledged it when this returns, all ranks in one request. Needs the instance owner. Errors: also those
// of may_drain(); nothing is drained then.
[[nodiscard]] boost::asio::awaitable<Result<void>> drain(std::shared_ptr<flux::Client> client,
                                                         flux::IdSet ranks,
                                                         std::string reason = std::string(drain_reason));

// What drain() looks at first: the scheduler that is there now. Errors: as may_drain().
[[nodiscard]] boost::asio::awaitable<Result<void>> scheduler_bears_drains(
    std::shared_ptr<flux::Client> client);

// The same as drain() without that.
[[nodiscard]] boost::asio::awaitable<Result<void>> send_drain(std::shared_ptr<flux::Client> client,
                                                              flux::IdSet ranks, std::string reason);

// Lets `ranks` have jobs again; those that are not drained, or drained by somebody else, are left alone.
[[nodiscard]] boost::asio::awaitable<Result<void>> undrain_ours(std::shared_ptr<flux::Client> client,
                                                                flux::IdSet ranks);

// Those of `ranks` whose broker answers a request that is sent now: it lives, whatever Flux believes of it.
[[nodiscard]] boost::asio::awaitable<flux::IdSet> ranks_that_answer(std::shared_ptr<flux::Client> client,
                                                                    flux::IdSet ranks);

}  // namespace fluxmetrics::autoscale
