// Which scheduler an instance has.
#pragma once

#include <memory>

#include "simulate/options.hpp"
#include "simulate/queues.hpp"
#include "simulate/resources.hpp"
#include "simulate/scheduler.hpp"

namespace fluxmetrics::simulate {

// The one that `options` name. It keeps references to all three.
[[nodiscard]] std::unique_ptr<Scheduler> make_scheduler(const Options& options, const Queues& queues,
                                                        Resources& resources);

}  // namespace fluxmetrics::simulate
