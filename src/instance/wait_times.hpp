// How long jobs waited before they started, by queue: one addition for each start, whatever the queue's
// length.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/histogram.hpp"
#include "instance/shared_list.hpp"

namespace fluxmetrics::instance {

struct QueueWaits {
  std::string queue;
  Histogram waits;
  bool operator==(const QueueWaits&) const = default;
};

class WaitTimes {
 public:
  // Seconds: from what nobody notices to a day.
  static constexpr std::array<double, 14> bounds{1,   2,   5,    10,   30,   60,    120,
                                                 300, 600, 1800, 3600, 7200, 21600, 86400};
  using Shared = SharedList<QueueWaits>;

  // A job of `queue` that became ready to start at `since` started at `started`: seconds since 1970, 0 =
  // unknown.
  void started(std::string_view queue, double since, double started) {
    if (since <= 0 || started <= 0) return;
    auto* const waits = waits_of(queue);
    if (waits == nullptr) return;
    waits->add(std::max(0.0, started - since));
    shared_.reset();
  }
  // What another one counted between `before` and `after`, two of its read().
  void add_between(const Shared& before, const Shared& after) {
    if (before == after) return;
    for (const auto& queue : after)
      add_difference(queue, find(before, queue.queue));
  }
  // What was counted so far, by queue; the same list, shared, while nothing was added.
  [[nodiscard]] const Shared& read() {
    if (!shared_) shared_.emplace(queues_);
    return *shared_;
  }

 private:
  static constexpr std::size_t most_queues = 2000;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  // Null when there are too many queues already.
  Histogram* waits_of(std::string_view queue) {
    auto found = index_.find(queue);
    if (found == index_.end()) {
      if (queues_.size() >= most_queues) return nullptr;
      found = index_.emplace(queue, queues_.size()).first;
      queues_.push_back({.queue = std::string(queue), .waits = Histogram(bounds)});
    }
    return &queues_[found->second].waits;
  }
  static const QueueWaits* find(const Shared& queues, std::string_view name) {
    const auto* const found = std::ranges::find(queues, name, &QueueWaits::queue);
    return found == queues.end() ? nullptr : found;
  }
  void add_difference(const QueueWaits& after, const QueueWaits* before) {
    const auto now = after.waits.counts();
    std::vector<std::uint64_t> more(now.begin(), now.end());
    double sum = after.waits.sum();
    if (before != nullptr) {
      const auto then = before->waits.counts();
      for (std::size_t i = 0; i < more.size() && i < then.size(); ++i)
        more[i] -= std::min(more[i], then[i]);
      sum = std::max(0.0, sum - before->waits.sum());
    }
    auto* const waits = waits_of(after.queue);
    if (waits == nullptr) return;
    waits->add(more, sum);
    shared_.reset();
  }

  std::vector<QueueWaits> queues_;
  std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>> index_;  // of queues_
  std::optional<Shared> shared_;
};

}  // namespace fluxmetrics::instance
