// /healthz, /livez and /readyz. They never depend on Flux: an unready pod takes the APIService away, and with
// it every namespace deletion of the cluster. The state of the data is told by /readyz/flux alone.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/router.hpp"
#include "http/message.hpp"
#include "instance/scheduler.hpp"
#include "instance/sink.hpp"
#include "metrics/condition.hpp"
#include "metrics/draining.hpp"

namespace fluxmetrics::api {

// What the answers depend on.
struct HealthState {
  std::optional<std::string> data_trouble;                      // why there is no data, if so
  metrics::Condition condition = metrics::Condition::starting;  // of the instance
  std::uint32_t returns = 0;  // how often the broker came back: both told by /readyz/flux
  // Which scheduler the instance has, and what is wrong with its settings: told by /readyz/flux?verbose.
  instance::Scheduler scheduler;
  instance::Effort effort;  // what the data cost the broker: told by /readyz/flux?verbose
  std::shared_ptr<const metrics::Draining> draining = nullptr;  // told by /readyz/flux; null: nobody drains
  std::optional<std::string> authentication;  // why nobody can be authenticated yet, "" when all is well;
                                              // nullopt where nobody is authenticated
  bool server_ending = false;                 // then the server is alive, but not ready
};

// nullopt for a check that does not exist.
[[nodiscard]] std::optional<http::Response> answer_health(const Route& route, const http::Target& target,
                                                          const HealthState& state);

}  // namespace fluxmetrics::api
