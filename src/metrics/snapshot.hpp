// An immutable picture of all metrics at one moment, and the place where the serving thread finds the newest
// one.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "instance/collector.hpp"
#include "instance/state.hpp"
#include "metrics/family.hpp"
#include "sizing/demand.hpp"
#include "sizing/wanted.hpp"

namespace fluxmetrics::metrics {

struct Snapshot {
  std::shared_ptr<const instance::InstanceState> state;
  std::shared_ptr<const std::vector<Family>> families;  // as catalogue(); shared while only the time moves
  Now confirmed;                                        // when the broker last confirmed it
  std::uint64_t generation = 0;  // grows with each snapshot: the key of encoded answers
  bool ranks_are_pods = true;    // false in a sub-instance that was asked for
  [[nodiscard]] const Family* find(std::string_view name) const;
};

// What a reader finds: the newest snapshot (null before the first), and why there is no fresher one ("" when
// all is well).
struct View {
  std::shared_ptr<const Snapshot> snapshot;
  std::string trouble;
  instance::Effort effort;  // what the snapshots cost the broker
};

class Store {
 public:
  void publish(std::shared_ptr<const Snapshot> snapshot);  // clears the trouble
  void set_trouble(std::string reason);
  void set_effort(const instance::Effort& effort);
  [[nodiscard]] View view() const;

 private:
  mutable std::mutex mutex_;
  View view_;
};

// Turns states into snapshots: sizing, hold, catalogue. Fed by one thread (the collector's).
class Publisher {
 public:
  Publisher(sizing::SizePolicy policy, bool explicit_instance, Store& store);
  // The sink of a collector. The same `state` pointer as before: values that depend on time alone move.
  void on_state(std::shared_ptr<const instance::InstanceState> state, Now confirmed);

 private:
  sizing::SizePolicy policy_;
  bool explicit_instance_;  // the user named the instance: a sub-instance is then not followed to its top
  Store& store_;
  sizing::WantedSize wanted_;
  Snapshot last_;  // what was published last
  sizing::Demand demand_;
  std::uint32_t last_wanted_ = 0;
};

}  // namespace fluxmetrics::metrics
