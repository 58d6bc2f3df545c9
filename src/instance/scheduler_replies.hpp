// What the broker and Fluxion answer about the scheduler, read into a Scheduler. Replies are those of
// flux-core 0.66 to 0.88 and flux-sched 0.54 (qmanager/modules/qmanager.cpp, resource/modules/resource.cpp).
#pragma once

#include <string_view>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "instance/scheduler.hpp"

namespace fluxmetrics::instance {

inline constexpr std::string_view fluxion_module = "sched-fluxion-qmanager";

// module.list of rank 0: the module that offers the service "sched" is the scheduler.
// Errors: Code::protocol.
[[nodiscard]] Result<void> read_modules(const boost::json::value& reply, Scheduler& scheduler);

// sched-fluxion-qmanager.params: what Fluxion took from the configuration, and from the options of its
// module, which win. Of each queue what holds for it; "default" stands for the only one where none are
// configured. Errors: Code::protocol.
[[nodiscard]] Result<void> read_queue_policies(const boost::json::value& reply, Scheduler& scheduler);

// sched-fluxion-resource.params, as above: the match policy and the prune filters.
// Errors: Code::protocol.
[[nodiscard]] Result<void> read_match_settings(const boost::json::value& reply, Scheduler& scheduler);

// config.get, for whoever may not ask Fluxion: what the configuration sets is what Fluxion took, unless
// options of its module said otherwise. What it does not set stays unknown because of `why`.
void read_configured_match_settings(const boost::json::value& config, std::string_view why,
                                    Scheduler& scheduler);

}  // namespace fluxmetrics::instance
