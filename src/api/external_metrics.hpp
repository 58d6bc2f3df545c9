// Makes the lists that GETs of external.metrics.k8s.io get, from a snapshot: every item of a family.
#pragma once

#include <expected>

#include "api/metric_list.hpp"
#include "api/options.hpp"
#include "api/router.hpp"
#include "kube/status.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::api {

class ExternalMetrics {
 public:
  explicit ExternalMetrics(const ApiOptions& options) : options_(options) {}
  // `route` names an external metric. labelSelector chooses among its items.
  [[nodiscard]] std::expected<MetricList, kube::Status> list(const Route& route, const http::Target& target,
                                                             const metrics::View& view) const;

 private:
  const ApiOptions& options_;
};

}  // namespace fluxmetrics::api
