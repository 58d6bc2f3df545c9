#include "metrics/snapshot.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace fluxmetrics::metrics {
namespace {

bool same_wanted(const Result<std::uint32_t>& a, const Result<std::uint32_t>& b) {
  return a && b ? *a == *b : !a && !b && a.error().message == b.error().message;
}

Result<std::uint32_t> undecided() {
  return fail(Code::unavailable, "it is not decided yet which size is safe to publish");
}

// What is read off the family is what is served, whatever it was made of.
std::optional<std::uint32_t> wanted_of(const Snapshot& snapshot) {
  const auto* family = snapshot.find(wanted_name);
  if (family == nullptr || family->items.empty()) return std::nullopt;
  return static_cast<std::uint32_t>(family->items.front().value);
}

}  // namespace

const Family* Snapshot::find(std::string_view name) const {
  if (!families) return nullptr;
  const auto by_name = [](const Family& family) { return family.description->name; };
  const auto found = std::ranges::lower_bound(*families, name, {}, by_name);
  return found != families->end() && by_name(*found) == name ? &*found : nullptr;
}

WallTime Snapshot::time_of(const Family& family) const {
  return family.measured ? family.measured->wall : confirmed.wall;
}

bool Snapshot::awaits_user() const {
  if (!families || !catalogue) return false;
  return std::ranges::any_of(catalogue->user_families(), [&](const Exposed& family) {
    const auto* found = find(family.made_of.front());
    return found != nullptr && !found->measured;
  });
}

void Store::publish(std::shared_ptr<const Snapshot> snapshot) {
  // What is replaced dies with the parameter, after the lock is gone: a large state takes its time.
  const std::scoped_lock lock(mutex_);
  std::swap(view_.snapshot, snapshot);
  if (snapshot && !view_.trouble.empty()) ++view_.returns;
  view_.trouble.clear();
  view_.trouble_kind.reset();
  if (changed_) changed_();
}

void Store::replace(std::shared_ptr<const Snapshot> snapshot) {
  const std::scoped_lock lock(mutex_);
  std::swap(view_.snapshot, snapshot);
}

void Store::set_trouble(std::string reason, std::optional<instance::Trouble::Kind> kind) {
  const std::scoped_lock lock(mutex_);
  view_.trouble = std::move(reason);
  view_.trouble_kind = kind;
  if (changed_) changed_();
}

void Store::on_change(std::function<void()> changed) const {
  const std::scoped_lock lock(mutex_);
  changed_ = std::move(changed);
}

void Store::set_effort(const instance::Effort& effort) {
  const std::scoped_lock lock(mutex_);
  view_.effort = effort;
}

void Store::set_rpc_times(instance::RpcTimes::Shared times) {
  const std::scoped_lock lock(mutex_);
  std::swap(rpc_times_, times);
}

void Store::set_draining(std::shared_ptr<const Draining> draining) {
  const std::scoped_lock lock(mutex_);
  std::swap(view_.draining, draining);
}

void Store::record_handed_out(Seconds acts_within, MonoTime now) {
  const std::scoped_lock lock(mutex_);
  handed_out_.emplace(acts_within, now);
}

bool Store::hand_out(std::uint32_t wanted, Reader reader, MonoTime now) const {
  const std::scoped_lock lock(mutex_);
  if (!view_.snapshot || view_.snapshot->wanted != wanted) return false;
  if (handed_out_) handed_out_->record(wanted, reader, now);
  return true;
}

Told Store::told(MonoTime now) const {
  const std::scoped_lock lock(mutex_);
  Told told;
  if (handed_out_) {
    told.handed_out = handed_out_->smallest(now);
    told.unread = handed_out_->unread(now);
  }
  return told;
}

instance::RpcTimes::Shared Store::rpc_times() const {
  const std::scoped_lock lock(mutex_);
  return rpc_times_;
}

View Store::view() const {
  const std::scoped_lock lock(mutex_);
  return view_;
}

Publisher::Publisher(sizing::SizePolicy policy, bool explicit_instance, Store& store, UserInput user)
    : policy_(policy),
      explicit_instance_(explicit_instance),
      store_(store),
      max_staleness_(user.max_staleness),
      readings_(user.catalogue->user_families().size()),
      wanted_(policy),
      decided_(undecided()) {
  last_.catalogue = std::move(user.catalogue);
}

// What is too old is no value.
std::vector<Reading> Publisher::readings_at(MonoTime now) const {
  auto readings = readings_;
  for (auto& reading : readings) {
    if (!reading.measured || !reading.items) continue;
    const Seconds age = now - reading.measured->mono;
    if (age <= max_staleness_) continue;
    reading.items =
        fail(Code::unavailable, "it was last computed at {}, longer ago than the {:g} s that a value is kept",
             format_rfc3339(reading.measured->wall), max_staleness_.count());
  }
  return readings;
}

Inputs Publisher::inputs_at(WallTime now, std::span<const Reading> readings) const {
  return {.state = *last_.state,
          .demand = demand_,
          .wanted = last_wanted_,
          .ranks_are_pods = last_.ranks_are_pods,
          .now = now,
          .watched = last_.watched.get(),
          .user = readings};
}

void Publisher::keep(std::function<std::uint32_t(const instance::InstanceState&)> size_in_effect) {
  const std::scoped_lock lock(mutex_);
  size_in_effect_ = std::move(size_in_effect);
}

void Publisher::let_decide(std::function<void(const Needed&)> decides) {
  const std::scoped_lock lock(mutex_);
  decides_ = std::move(decides);
  size_in_effect_ = nullptr;  // whoever decides keeps sizes himself
}

void Publisher::on_state(std::shared_ptr<const instance::InstanceState> state, Now confirmed) {
  const std::scoped_lock lock(mutex_);
  for (auto& reading : readings_)
    if (reading.state == state && reading.measured) reading.measured = confirmed;
  const bool same_state = state == last_.state && last_.families;
  demand_ = same_state ? sizing::at_time(std::move(demand_), *state, policy_, confirmed.wall)
                       : sizing::compute_demand(*state, policy_, confirmed.wall);
  // What another instance wanted, before a restart, is nothing to hold on to.
  if (last_.state && last_.state->started != state->started) {
    wanted_ = sizing::WantedSize(policy_);
    keep_until_.reset();
    if (decides_) decided_ = undecided();
  }
  if (size_in_effect_) {
    if (!keep_until_)
      keep_until_ = confirmed.mono + std::chrono::duration_cast<MonoTime::duration>(policy_.hold);
    if (confirmed.mono < *keep_until_) wanted_.keep(size_in_effect_(*state), *keep_until_);
  }
  const bool known = state->jobs_unknown.empty() && state->allocated_unknown.empty();
  auto wanted =
      known ? Result<std::uint32_t>(wanted_.update(demand_, state->size, confirmed.mono)) : last_wanted_;
  if (decides_) {
    wanted = decided_;
    decides_({.state = state, .confirmed = confirmed, .need = wanted_.need(), .known = known});
  }
  const bool moved = !same_state || !same_wanted(wanted, last_wanted_);
  last_wanted_ = std::move(wanted);
  last_.ranks_are_pods = !explicit_instance_ || state->level == 0;
  if (!same_state) last_.facts = std::make_shared<const StateFacts>(count_facts(*state, demand_));
  last_.watched = watch_.update(*state, known && last_wanted_ ? std::optional(*last_wanted_) : std::nullopt,
                                confirmed.mono);
  last_.state = std::move(state);
  last_.confirmed = confirmed;
  const auto readings = readings_at(confirmed.mono);
  const auto inputs = inputs_at(confirmed.wall, readings);
  last_.families =
      moved ? std::make_shared<const std::vector<Family>>(last_.catalogue->evaluate(inputs, *last_.facts))
            : last_.catalogue->at_time(last_.families, inputs, *last_.facts);
  last_.wanted = wanted_of(last_);
  ++last_.generation;
  store_.publish(std::make_shared<const Snapshot>(last_));
}

void Publisher::on_wanted(Result<std::uint32_t> wanted, std::string_view broker) {
  const std::scoped_lock lock(mutex_);
  if (wanted && last_.state && last_.state->started != broker) return;
  decided_ = std::move(wanted);
  if (!last_.families || same_wanted(decided_, last_wanted_)) return;
  last_wanted_ = decided_;
  const auto readings = readings_at(MonoTime::clock::now());
  last_.families = std::make_shared<const std::vector<Family>>(
      last_.catalogue->evaluate(inputs_at(last_.confirmed.wall, readings), *last_.facts));
  last_.wanted = wanted_of(last_);
  ++last_.generation;
  store_.replace(std::make_shared<const Snapshot>(last_));
}

void Publisher::on_readings(std::vector<UserReading> news) {
  const std::scoped_lock lock(mutex_);
  for (auto& [index, reading] : news) {
    // Of the state that is published still: as true as that.
    if (reading.state && reading.state == last_.state) reading.measured = last_.confirmed;
    readings_[index] = std::move(reading);
  }
  if (!last_.families) return;
  const auto readings = readings_at(MonoTime::clock::now());
  auto families =
      last_.catalogue->at_time(last_.families, inputs_at(last_.confirmed.wall, readings), *last_.facts);
  if (families == last_.families) return;
  last_.families = std::move(families);
  ++last_.generation;
  store_.replace(std::make_shared<const Snapshot>(last_));
}

}  // namespace fluxmetrics::metrics
