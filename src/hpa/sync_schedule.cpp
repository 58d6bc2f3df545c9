#include "hpa/sync_schedule.hpp"

#include <deque>
#include <optional>
#include <queue>

namespace fluxmetrics::hpa {
namespace {

enum class Kind : std::uint8_t { change, wake, done };

struct Event {
  std::int64_t t_ms = 0;
  std::uint64_t order = 0;  // of events at the same time
  Kind kind = Kind::wake;
  std::string hpa = {};
  HpaChange change = HpaChange::create;
  bool operator>(const Event& other) const {
    return t_ms != other.t_ms ? t_ms > other.t_ms : order > other.order;
  }
};

struct Hpa {
  bool exists = false;
  std::int64_t version = 0;                  // counts every write
  std::int64_t generation = 0;               // counts what changes the spec
  std::optional<std::int64_t> written = {};  // generation that the status was last written for
  std::optional<std::int64_t> waits = {};    // until when
  bool queued = false;                       // or to be queued again after its sync
  bool working = false;
  std::int64_t version_seen = 0;  // by the sync that runs
  std::int64_t generation_seen = 0;
  bool has_news = false;  // that sync has a status to write
};

class Controller {
 public:
  Controller(const HpaTimeline& timeline, const SyncTiming& timing, const HpaPlatform& platform)
      : timeline_(timeline), timing_(timing), platform_(platform), idle_(timing.workers) {}

  SyncTimes run() {
    for (const auto& name : timeline_.existing) {
      create(hpas_[name]);
      appears(name, 0);
    }
    for (const auto& change : timeline_.changes)
      push({.t_ms = change.t_ms, .kind = Kind::change, .hpa = change.hpa, .change = change.change});
    push({.t_ms = timing_.start_ms, .kind = Kind::wake});
    while (!events_.empty() && events_.top().t_ms <= timeline_.until_ms) {
      const auto event = events_.top();
      events_.pop();
      handle(event);
      if (event.t_ms >= timing_.start_ms) work(event.t_ms);
    }
    return std::move(times_);
  }

 private:
  void push(Event event) {
    event.order = order_++;
    events_.push(std::move(event));
  }

  void handle(const Event& event) {
    if (event.hpa.empty()) return;  // the controller begins
    auto& hpa = hpas_[event.hpa];
    switch (event.kind) {
      case Kind::change:
        change(event, hpa);
        break;
      case Kind::wake:
        if (hpa.waits != event.t_ms) break;  // another time took its place
        hpa.waits.reset();
        add(event.hpa, hpa);
        break;
      case Kind::done:
        finish(event.hpa, hpa, event.t_ms);
        break;
    }
  }

  static void create(Hpa& hpa) {
    hpa.exists = true;
    ++hpa.version;
    hpa.generation = 1;
    hpa.written.reset();
  }

  void change(const Event& event, Hpa& hpa) {
    if (event.change == HpaChange::create) {
      create(hpa);
      appears(event.hpa, event.t_ms);
      return;
    }
    ++hpa.version;
    if (event.change == HpaChange::remove) {
      hpa.exists = false;
      return;
    }
    const bool edit = event.change == HpaChange::edit;
    if (edit) ++hpa.generation;
    if (edit && platform_.gates.generation) {
      add(event.hpa, hpa);
    } else {
      wait(event.hpa, hpa, event.t_ms);
    }
  }

  void appears(const std::string& name, std::int64_t now) {
    if (platform_.since(37)) {
      add(name, hpas_[name]);
    } else {
      wait(name, hpas_[name], now);
    }
  }

  void add(const std::string& name, Hpa& hpa) {
    if (hpa.queued) return;
    hpa.queued = true;
    if (!hpa.working) queue_.push_back(name);
  }

  // A period from now, unless it is to come earlier anyway.
  void wait(const std::string& name, Hpa& hpa, std::int64_t now) {
    const auto until = now + timing_.period_ms;
    if (hpa.waits && *hpa.waits <= until) return;
    hpa.waits = until;
    push({.t_ms = until, .kind = Kind::wake, .hpa = name});
  }

  void work(std::int64_t now) {
    while (idle_ > 0 && !queue_.empty()) {
      const auto name = queue_.front();
      queue_.pop_front();
      auto& hpa = hpas_[name];
      hpa.queued = false;
      if (!hpa.exists) continue;
      times_.syncs[name].push_back(now);
      hpa.working = true;
      hpa.version_seen = hpa.version;
      hpa.generation_seen = hpa.generation;
      hpa.has_news = !hpa.written || (platform_.gates.generation && hpa.written != hpa.generation);
      --idle_;
      push({.t_ms = now + timing_.sync_ms, .kind = Kind::done, .hpa = name});
    }
  }

  void finish(const std::string& name, Hpa& hpa, std::int64_t now) {
    ++idle_;
    hpa.working = false;
    if (hpa.has_news && hpa.exists) {
      if (hpa.version == hpa.version_seen) {
        ++hpa.version;
        hpa.written = hpa.generation_seen;
      } else {
        times_.status_conflicts.push_back(now);
      }
    }
    wait(name, hpa, now);
    if (hpa.queued) queue_.push_back(name);
  }

  const HpaTimeline& timeline_;
  const SyncTiming& timing_;
  const HpaPlatform& platform_;
  std::size_t idle_;
  std::map<std::string, Hpa> hpas_;
  std::deque<std::string> queue_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t order_ = 0;
  SyncTimes times_;
};

}  // namespace

SyncTimes sync_times(const HpaTimeline& timeline, const SyncTiming& timing, const HpaPlatform& platform) {
  return Controller(timeline, timing, platform).run();
}

}  // namespace fluxmetrics::hpa
