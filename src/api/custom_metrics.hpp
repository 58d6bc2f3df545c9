// Answers metric GETs of custom.metrics.k8s.io from the newest snapshot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "api/api.hpp"
#include "api/documents.hpp"
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
  // `raw_target` is the key under which the encoded answer is kept until the snapshot changes.
  [[nodiscard]] MetricAnswer answer(const Route& route, const http::Target& target,
                                    const std::string& raw_target, kube::Layout layout);

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
  void remember(const std::string& key, const metrics::Snapshot& snapshot, const Encoded& encoded);

  const ApiOptions& options_;
  const metrics::Store& store_;
  std::unordered_map<std::string, Encoded> encoded_;  // of one generation
  std::uint64_t generation_ = 0;
};

}  // namespace fluxmetrics::api
