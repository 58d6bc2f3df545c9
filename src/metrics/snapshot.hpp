// An immutable picture of all metrics at one moment, and the place where the serving thread finds the newest
// one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "instance/sink.hpp"
#include "instance/state.hpp"
#include "metrics/catalogue.hpp"
#include "metrics/draining.hpp"
#include "metrics/facts.hpp"
#include "metrics/family.hpp"
#include "metrics/handed_out.hpp"
#include "metrics/watch.hpp"
#include "sizing/demand.hpp"
#include "sizing/wanted.hpp"

namespace fluxmetrics::metrics {

// The metric that an autoscaler scales by.
inline constexpr std::string_view wanted_name = "node_wanted_count";

struct Snapshot {
  std::shared_ptr<const instance::InstanceState> state;
  std::shared_ptr<const Catalogue> catalogue;  // the families point into it
  Families families;                           // as the catalogue; shared while only the time moves
  std::shared_ptr<const StateFacts> facts;     // of the state
  std::shared_ptr<const Watched> watched;
  Now confirmed;                        // when the broker last confirmed it
  std::uint64_t generation = 0;         // grows with each snapshot: the key of encoded answers
  bool ranks_are_pods = true;           // false in a sub-instance that was asked for
  std::optional<std::uint32_t> wanted;  // node_wanted_count, where it has a value
  [[nodiscard]] const Family* find(std::string_view name) const;
  // When the family's values were true.
  [[nodiscard]] WallTime time_of(const Family& family) const;
  // Whether one of the user's metrics has not been worked out once.
  [[nodiscard]] bool awaits_user() const;
};

// What a reader finds: the newest snapshot (null before the first), and why there is no fresher one ("" when
// all is well).
struct View {
  std::shared_ptr<const Snapshot> snapshot;
  std::string trouble;
  std::optional<instance::Trouble::Kind> trouble_kind;  // of `trouble`; nullopt before anything was heard
  std::uint32_t returns = 0;                            // how often a snapshot came after trouble
  instance::Effort effort;                              // what the snapshots cost the broker
  std::shared_ptr<const Draining> draining;             // null: nobody drains here
};

// What readers of node_wanted_count may still bring about.
struct Told {
  std::uint32_t handed_out = 0;  // HandedOut::smallest()
  bool unread = false;           // HandedOut::unread()
};

class Store {
 public:
  void publish(std::shared_ptr<const Snapshot> snapshot);  // clears the trouble
  void replace(std::shared_ptr<const Snapshot> snapshot);  // the same state, no word of the broker
  // `kind`: nullopt while nobody has tried yet.
  void set_trouble(std::string reason,
                   std::optional<instance::Trouble::Kind> kind = instance::Trouble::Kind::gone);
  void set_effort(const instance::Effort& effort);
  void set_rpc_times(instance::RpcTimes::Shared times);
  void set_draining(std::shared_ptr<const Draining> draining);
  // Has `changed` called, on the thread that publishes and with the store locked, whenever a state or trouble
  // has come; null: nobody wants to know. When this returns, no call is under way.
  void on_change(std::function<void()> changed) const;
  [[nodiscard]] View view() const;
  // From here on it is recorded which values of node_wanted_count are handed out. To be called before any is.
  void record_handed_out(Seconds acts_within, MonoTime now);
  [[nodiscard]] bool records_handed_out() const { return handed_out_.has_value(); }
  // To be called before `wanted`, of a snapshot of this store, is handed out. False: another value has been
  // published since; hand out that one. So whoever publishes a value knows that none before it is on its way.
  [[nodiscard]] bool hand_out(std::uint32_t wanted, Reader reader, MonoTime now) const;
  [[nodiscard]] Told told(MonoTime now) const;
  [[nodiscard]] instance::RpcTimes::Shared rpc_times() const;  // null before there are any

 private:
  mutable std::mutex mutex_;
  View view_;
  mutable std::function<void()> changed_;  // of a reader
  instance::RpcTimes::Shared rpc_times_;
  mutable std::optional<HandedOut> handed_out_;  // readers leave it behind; null: nobody asks for it
};

// What sizing says to whoever decides what is published.
struct Needed {
  std::shared_ptr<const instance::InstanceState> state;
  Now confirmed;
  std::uint32_t need = 0;  // sizing::WantedSize::need()
  bool known = false;      // false: the jobs, or what they hold, are not known
};

// Where the user's metrics come from, and for how long a value of theirs is one.
struct UserInput {
  std::shared_ptr<const Catalogue> catalogue = built_in();
  Seconds max_staleness{30};
};

// What came of one of the user's metrics: its place in what the catalogue was given.
struct UserReading {
  std::size_t index = 0;
  Reading reading;
};

// Turns states into snapshots: sizing, hold, catalogue. States come from one thread (the collector's).
class Publisher {
 public:
  Publisher(sizing::SizePolicy policy, bool explicit_instance, Store& store, UserInput user = {});
  // The sink of a collector. The same `state` pointer as before: values that depend on time alone move.
  void on_state(std::shared_ptr<const instance::InstanceState> state, Now confirmed);
  // What came of user's metrics, on any thread: the last snapshot once more, with these.
  void on_readings(std::vector<UserReading> readings);
  // No memory is no reason to shrink: in the first `hold` after a start, of this program or of the broker, no
  // less than `size_in_effect` is wanted. To be called before the first state; of no effect on what
  // let_decide() is for.
  void keep(std::function<std::uint32_t(const instance::InstanceState&)> size_in_effect);
  // From here on node_wanted_count is what on_wanted() says, anew for each broker; `decides` is told of each
  // state, on the thread of on_state(). To be called before the first state.
  void let_decide(std::function<void(const Needed&)> decides);
  // On any thread: what is published from now on, or why there is no value. `broker`: `started` of the state
  // that it was decided by; a size that was decided by a broker before the present one is dropped.
  void on_wanted(Result<std::uint32_t> wanted, std::string_view broker);

 private:
  [[nodiscard]] Inputs inputs_at(WallTime now, std::span<const Reading> readings) const;
  [[nodiscard]] std::vector<Reading> readings_at(MonoTime now) const;

  std::mutex mutex_;
  sizing::SizePolicy policy_;
  bool explicit_instance_;  // the user named the instance: a sub-instance is then not followed to its top
  Store& store_;
  Seconds max_staleness_;
  std::vector<Reading> readings_;  // of the user's metrics
  sizing::WantedSize wanted_;
  Watch watch_;
  Snapshot last_;  // what was published last
  sizing::Demand demand_;
  Result<std::uint32_t> last_wanted_ = 0U;
  std::function<std::uint32_t(const instance::InstanceState&)> size_in_effect_;
  std::optional<MonoTime> keep_until_;
  std::function<void(const Needed&)> decides_;  // empty: what sizing says is published
  Result<std::uint32_t> decided_;
};

}  // namespace fluxmetrics::metrics
