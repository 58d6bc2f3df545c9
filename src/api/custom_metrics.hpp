// Makes the lists that metric GETs of custom.metrics.k8s.io get, from a snapshot.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "api/metric_list.hpp"
#include "api/objects.hpp"
#include "api/options.hpp"
#include "api/query.hpp"
#include "api/router.hpp"
#include "kube/status.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::api {

class CustomMetrics {
 public:
  // `pods` may be null: then nobody can list them.
  CustomMetrics(const ApiOptions& options, const kube::PodStore* pods)
      : options_(options), objects_(options, pods) {}

  // `route` names a metric.
  [[nodiscard]] std::expected<MetricList, kube::Status> list(const Route& route, const http::Target& target,
                                                             const metrics::View& view) const;
  // What the answer depends on besides the snapshot.
  [[nodiscard]] std::uint64_t pods_generation(const Route& route) const {
    return route.metric.of_pods ? objects_.pods_generation() : 0;
  }

 private:
  struct Described {
    kube::ObjectReference object;
    std::string value;  // Quantity text
  };
  using Failure = std::unexpected<kube::Status>;
  template <class T>
  using Checked = std::expected<T, kube::Status>;

  [[nodiscard]] Checked<std::vector<Described>> describe(const MetricPath& path, const MetricQuery& query,
                                                         const std::vector<FoundObject>& objects,
                                                         const metrics::View& view) const;
  [[nodiscard]] Checked<std::vector<Described>> describe_pods(const MetricPath& path,
                                                              const MetricQuery& query,
                                                              const std::vector<FoundObject>& objects,
                                                              const metrics::View& view) const;
  [[nodiscard]] Checked<std::string> value_of(const MetricPath& path, const MetricQuery& query,
                                              const metrics::View& view) const;

  const ApiOptions& options_;
  Objects objects_;
};

}  // namespace fluxmetrics::api
