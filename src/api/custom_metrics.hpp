// Answers metric GETs of custom.metrics.k8s.io from the newest snapshot.
#pragma once

#include <optional>
#include <string>

#include "api/api.hpp"
#include "api/documents.hpp"
#include "api/known_requests.hpp"
#include "api/query.hpp"
#include "api/router.hpp"
#include "kube/status.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::api {

struct MetricAnswer {
  http::Response response;
  std::string value = "-";     // for the log
  std::optional<Seconds> age;  // of the data
  std::string message;         // of a Status
};

class CustomMetrics {
 public:
  CustomMetrics(const ApiOptions& options, const metrics::Store& store) : options_(options), store_(store) {}
  // `request` names a metric; the encoded answer is kept there until the snapshot changes.
  [[nodiscard]] MetricAnswer answer(KnownRequest& request) const;

 private:
  struct Encoded {
    Body body;
    std::string value;
  };
  using Failure = std::unexpected<kube::Status>;
  template <class T>
  using Checked = std::expected<T, kube::Status>;

  [[nodiscard]] Checked<Encoded> encode(const Route& route, const http::Target& target, kube::Layout layout,
                                        const metrics::View& view) const;
  [[nodiscard]] Checked<std::vector<kube::ObjectReference>> find_objects(const MetricPath& path,
                                                                         const MetricQuery& query) const;
  [[nodiscard]] Checked<std::string> value_of(const MetricPath& path, const MetricQuery& query,
                                              const metrics::View& view) const;

  const ApiOptions& options_;
  const metrics::Store& store_;
};

}  // namespace fluxmetrics::api
