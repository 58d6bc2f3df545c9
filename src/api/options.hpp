// How the API presents itself: names, limits and the catalogue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "metrics/catalogue.hpp"

namespace fluxmetrics::api {

struct ApiOptions {
  std::string namespace_ = "flux-operator";
  std::string service_name = "custom-metrics-apiserver";
  std::string minicluster = {};  // "" = the leader's host name less its "-N"
  std::string api_path =
      {};  // an extra root for the custom metrics API, as the prototype's --api-path; "" = none
  Seconds max_staleness{30};
  bool insecure_http = false;      // plain HTTP answered to every peer
  std::uint16_t port = 0;          // the port served, told in /apis; 0 = not told
  bool log_every_request = false;  // at info; otherwise only metric requests are
  std::size_t most_waiting = 400;  // requests that wait for the cluster at the same time; 0 = any number
  Seconds request_timeout{60};     // for one that waits; its query's `timeout` may say less
  bool prometheus_only = false;    // nothing of Kubernetes is served: for `exporter`
  std::shared_ptr<const metrics::Catalogue> catalogue = metrics::built_in();  // of the store's snapshots
};

}  // namespace fluxmetrics::api
