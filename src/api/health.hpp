// /healthz, /livez and /readyz. They never depend on Flux: an unready pod takes the APIService away, and with
// it every namespace deletion of the cluster. The state of the data is told by /readyz/flux alone.
#pragma once

#include <optional>
#include <string>

#include "api/router.hpp"
#include "http/message.hpp"
#include "instance/collector.hpp"

namespace fluxmetrics::api {

// nullopt for a check that does not exist. `data_trouble`: why there is no data, if so. /readyz/flux?verbose
// also tells what the data cost the broker. `authentication`: why nobody can be authenticated yet, "" when
// all is well; nullopt where nobody is authenticated.
[[nodiscard]] std::optional<http::Response> answer_health(const Route& route, const http::Target& target,
                                                          const std::optional<std::string>& data_trouble,
                                                          const instance::Effort& effort,
                                                          const std::optional<std::string>& authentication);

}  // namespace fluxmetrics::api
