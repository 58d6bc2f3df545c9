// How long the broker took to answer, by topic, and how often it refused.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/histogram.hpp"

namespace fluxmetrics::instance {

struct TopicTimes {
  std::string topic;
  Histogram seconds;
  std::uint64_t errors = 0;
};

// Written by the collector's thread; read() gives a copy that others may keep.
class RpcTimes {
 public:
  static constexpr std::array<double, 12> bounds{0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03,
                                                 0.1,    0.3,    1,     3,     10,   30};
  using Shared = std::shared_ptr<const std::vector<TopicTimes>>;

  // Topics are this program's own words, so they are few.
  void ran(std::string_view topic, Seconds took, bool failed) {
    auto found = std::ranges::find(topics_, topic, &TopicTimes::topic);
    if (found == topics_.end())
      found = topics_.insert(found, {.topic = std::string(topic), .seconds = Histogram(bounds)});
    found->seconds.add(took.count());
    if (failed) ++found->errors;
    shared_.reset();
  }
  [[nodiscard]] Shared read() {
    if (!shared_) shared_ = std::make_shared<const std::vector<TopicTimes>>(topics_);
    return shared_;
  }

 private:
  std::vector<TopicTimes> topics_;
  Shared shared_;
};

}  // namespace fluxmetrics::instance
