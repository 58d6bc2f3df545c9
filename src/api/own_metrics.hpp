// What this program tells of itself: its requests, its questions to the broker, its age of data, its memory.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "api/router.hpp"
#include "base/clock.hpp"
#include "base/histogram.hpp"
#include "metrics/exposition.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::api {

// Used on the serving thread only, so counting needs neither lock nor atomic.
class OwnMetrics {
 public:
  OwnMetrics();
  // A request to a path of `kind` got its answer; `took`: from when it had been read.
  void answered(Route::Kind kind, int status, Seconds took) {
    ++counts_[index_of(kind)][index_of(status)];
    seconds_.add(took.count());
  }
  // `fresh`: whether the data are young enough to be served.
  void expose(const metrics::View& view, bool fresh, const instance::RpcTimes::Shared& rpcs, Now now,
              metrics::ExpositionWriter& writer) const;

  // In the order of exposition; static lifetime.
  [[nodiscard]] static std::span<const metrics::Exposed> families();

 private:
  static constexpr std::array<double, 12> bounds{0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003,
                                                 0.01,    0.03,    0.1,    0.3,    1,     10};
  static constexpr std::array<int, 14> statuses{200, 304, 400, 401, 403, 404, 405,
                                                406, 409, 429, 500, 503, 504, 0};
  static constexpr std::size_t routes = 16;

  [[nodiscard]] static std::size_t index_of(Route::Kind kind) {
    return std::min(static_cast<std::size_t>(kind), routes - 1);
  }
  [[nodiscard]] static std::size_t index_of(int status) {
    std::size_t index = 0;
    while (statuses[index] != status && index + 1 < statuses.size())
      ++index;
    return index;
  }
  void expose_requests(metrics::ExpositionWriter& writer) const;

  std::array<std::array<std::uint64_t, statuses.size()>, routes> counts_{};
  Histogram seconds_;
  double began_;  // seconds since 1970
};

}  // namespace fluxmetrics::api
