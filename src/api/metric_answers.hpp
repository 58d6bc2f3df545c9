// Answers metric GETs from the newest snapshot: each is worked out and written once for each snapshot.
#pragma once

#include <optional>
#include <string>

#include "api/custom_metrics.hpp"
#include "api/external_metrics.hpp"
#include "api/known_requests.hpp"
#include "http/message.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::api {

struct MetricAnswer {
  http::Response response;
  std::string value = "-";     // for the log
  std::optional<Seconds> age;  // of the data
  std::string message;         // of a Status
};

class MetricAnswers {
 public:
  // `pods` may be null: then nobody can list them.
  MetricAnswers(const ApiOptions& options, const metrics::Store& store, const kube::PodStore* pods)
      : options_(options), store_(store), custom_(options, pods), external_(options) {}
  // `request` names a metric; what it got is kept there.
  [[nodiscard]] MetricAnswer answer(KnownRequest& request, metrics::Reader reader) const;

 private:
  [[nodiscard]] MetricAnswer answer_with(const metrics::View& view, MonoTime now,
                                         KnownRequest& request) const;
  const ApiOptions& options_;
  const metrics::Store& store_;
  CustomMetrics custom_;
  ExternalMetrics external_;
};

}  // namespace fluxmetrics::api
