// The brokers of the instance: which run, and which the rest of the instance believes to run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "flux/idset.hpp"
#include "simulate/timer_queue.hpp"

namespace fluxmetrics::simulate {

// A broker that goes is gone at once (alive, overlay.health) but stays in the broker.online group for another
// 100 ms, in which the scheduler may still use it; one that comes must run its start-up script first.
class Nodes {
 public:
  enum class Health { full, lost, offline };
  struct Node {
    Health health = Health::offline;
    Time since = 0;     // of this health
    std::string error;  // why it is not full; "" when it was never there
  };
  struct Callbacks {
    std::function<void(const flux::IdSet& came, const flux::IdSet& went)> members;  // broker.online changed
    std::function<void()> health;                                                   // overlay.health changed
  };

  // Ranks below `online` run from the start.
  Nodes(TimerQueue& timers, std::uint32_t size, std::uint32_t online, Callbacks callbacks);

  [[nodiscard]] const flux::IdSet& members() const { return members_; }
  [[nodiscard]] bool alive(flux::IdSet::Id rank) const { return nodes_.at(rank).health == Health::full; }
  [[nodiscard]] const std::vector<Node>& all() const { return nodes_; }
  // "full", "partial" (a rank is offline) or "degraded" (a rank is lost), and since when.
  [[nodiscard]] std::string_view status() const;
  [[nodiscard]] Time status_since() const { return status_since_; }

  void join(flux::IdSet::Id rank);                                // nothing happens when it is alive
  void lose(flux::IdSet::Id rank, Health as, std::string error);  // nothing happens when it is not
  // A second broker of a living rank connects: the first is lost, and everybody knows at once. join()
  // follows.
  void supersede(flux::IdSet::Id rank);

 private:
  void change(flux::IdSet::Id rank, Health health, std::string error);
  void announce(flux::IdSet::Id rank, bool present);
  void flush();

  TimerQueue& timers_;
  Callbacks callbacks_;
  std::vector<Node> nodes_;
  std::vector<std::uint64_t> lives_;  // counts joins, so that a join that was overtaken by a loss is dropped
  flux::IdSet members_;
  flux::IdSet coming_, going_;
  bool flush_armed_ = false;
  Time status_since_;
};

}  // namespace fluxmetrics::simulate
