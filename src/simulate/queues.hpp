// The instance's queues: which exist, which take jobs (enabled) and which start jobs (started).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "flux/idset.hpp"
#include "flux/replies.hpp"
#include "simulate/options.hpp"

namespace fluxmetrics::simulate {

struct Queue {
  std::string name;                  // "" = the anonymous queue
  std::optional<flux::IdSet> ranks;  // these have the property of the queue's name, which the queue requires
  flux::QueueStatus status;
};

// Errors of all functions: EINVAL with the broker's text.
class Queues {
 public:
  // Without configured queues there is the anonymous one, enabled and started; configured ones start stopped.
  explicit Queues(const Options& options);

  [[nodiscard]] bool named() const { return !queues_.front().name.empty(); }
  [[nodiscard]] const std::vector<Queue>& all() const { return queues_; }
  // The index of the queue called `name` ("" or absent: the anonymous one).
  [[nodiscard]] Result<std::size_t> find(const std::optional<std::string>& name) const;

  // `all`, or the named queue.
  [[nodiscard]] Result<void> enable(const std::optional<std::string>& name, bool all, bool value,
                                    const std::optional<std::string>& reason);
  [[nodiscard]] Result<void> start(const std::optional<std::string>& name, bool all, bool value,
                                   const std::optional<std::string>& reason);

 private:
  [[nodiscard]] Result<std::vector<Queue*>> select(const std::optional<std::string>& name, bool all);
  std::vector<Queue> queues_;
};

}  // namespace fluxmetrics::simulate
