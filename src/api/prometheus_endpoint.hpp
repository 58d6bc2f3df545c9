// GET /metrics: the newest snapshot, and this program itself, as Prometheus reads them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/gzip.hpp"
#include "api/options.hpp"
#include "api/own_metrics.hpp"
#include "http/message.hpp"
#include "metrics/exposition.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::api {

// By Accept, with its qualities: OpenMetrics for clients that prefer it, else the old text.
[[nodiscard]] metrics::ExpositionFormat exposition_format(const http::Headers& headers);
[[nodiscard]] bool accepts_gzip(const http::Headers& headers);

// Used on the serving thread only.
class PrometheusEndpoint {
 public:
  PrometheusEndpoint(const ApiOptions& options, const metrics::Store& store, const OwnMetrics& own)
      : options_(options), store_(store), own_(own) {}
  [[nodiscard]] http::Response answer(const http::Request& request, const http::Target& target,
                                      metrics::Reader reader);

 private:
  // The instance's part of the answer in one format, encoded once for each snapshot.
  struct Encoded {
    std::uint64_t generation = 0;
    std::string text;
    std::vector<metrics::ExpositionWriter::Part> parts;
    std::optional<DeflatedPart> deflated;  // made when somebody asks for it
  };
  [[nodiscard]] bool hands_out(const metrics::View& view, bool fresh,
                               const std::vector<std::string_view>& names, metrics::Reader reader,
                               MonoTime now);
  [[nodiscard]] Encoded& encoded(metrics::ExpositionFormat format, const metrics::View& view, bool fresh);

  const ApiOptions& options_;
  const metrics::Store& store_;
  const OwnMetrics& own_;
  std::array<Encoded, 2> encoded_;  // by format
};

}  // namespace fluxmetrics::api
