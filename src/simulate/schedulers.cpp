#include "simulate/schedulers.hpp"

#include "simulate/fluxion_scheduler.hpp"
#include "simulate/simple_scheduler.hpp"

namespace fluxmetrics::simulate {

std::unique_ptr<Scheduler> make_scheduler(const Options& options, const Queues& queues,
                                          Resources& resources) {
  if (options.fluxion) return std::make_unique<FluxionScheduler>(*options.fluxion, queues, resources);
  return std::make_unique<SimpleScheduler>(resources);
}

}  // namespace fluxmetrics::simulate
