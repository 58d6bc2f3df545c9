// What only shows to somebody who looks for a while: how many jobs end, and how soon nodes come.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/histogram.hpp"
#include "flux/idset.hpp"
#include "instance/state.hpp"

namespace fluxmetrics::metrics {

struct Watched {
  // Jobs that ended a second, by queue in the state's order; nullopt before there is enough to tell from.
  std::optional<std::vector<double>> finished_per_second = {};
  // From the moment that a node was asked for to its broker's arrival: seconds.
  std::shared_ptr<const Histogram> arrivals = nullptr;
  std::optional<double> last_arrival = {};
};

class Watch {
 public:
  static constexpr std::array<double, 12> arrival_bounds{1, 5, 10, 20, 30, 45, 60, 90, 120, 300, 600, 1800};
  static constexpr Seconds window{60};  // of finished_per_second
  static constexpr Seconds enough{10};  // to tell a rate from
  static constexpr Seconds sample_every{1};

  Watch();
  // One state after another, of one clock. `wanted`: node_wanted_count; nullopt when it is not known.
  [[nodiscard]] std::shared_ptr<const Watched> update(const instance::InstanceState& state,
                                                      std::optional<std::uint32_t> wanted, MonoTime now);

 private:
  struct Sample {
    MonoTime when;
    std::vector<std::int64_t> finished;  // by queue
  };
  void begin_anew(const instance::InstanceState& state);
  [[nodiscard]] std::optional<std::vector<double>> rates(const instance::InstanceState& state, MonoTime now);
  void follow_arrivals(const instance::InstanceState& state, std::uint32_t wanted, MonoTime now);

  std::string started_;              // of the instance that is watched
  std::vector<std::string> queues_;  // its queues
  std::deque<Sample> samples_;
  flux::IdSet awaited_;                        // ranks that are wanted and offline
  std::map<flux::IdSet::Id, MonoTime> since_;  // when they were asked for; unknown for those from before us
  bool awaiting_ = false;                      // awaited_ has been set once
  Watched now_;
  std::shared_ptr<const Watched> shared_;
};

// How many jobs of queue `index` have ended, purged ones too.
[[nodiscard]] std::int64_t finished_jobs(const instance::InstanceState& state, std::size_t index);

}  // namespace fluxmetrics::metrics
