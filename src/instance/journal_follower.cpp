#include "instance/journal_follower.hpp"

#include <chrono>
#include <cstddef>

namespace fluxmetrics::instance {
namespace {

using namespace std::chrono_literals;

constexpr auto journal_patience = 3s;  // of silence in a backlog, before its end
constexpr auto list_lag = 2s;          // job-list is never so far behind the journal
constexpr std::size_t told_lately_limit = 20'000;

}  // namespace

void JournalFollower::begin(MonoTime now) {
  phase_ = Phase::backlog;
  heard_ = now;
}

bool JournalFollower::stuck(MonoTime now) const {
  return phase_ == Phase::backlog && now - heard_ > journal_patience;
}

JournalFollower::News JournalFollower::take(const flux::JournalReply& reply, MonoTime now) {
  heard_ = now;
  if (reply.id < 0) {
    phase_ = Phase::live;
    jobs_.count_starts(&waits_, false);
    return {.now = true};
  }
  const bool live = phase_ == Phase::live;
  if (live) {
    while (!told_lately_.empty() &&
           (told_lately_.front().first < now - list_lag || told_lately_.size() > told_lately_limit))
      told_lately_.pop_front();
    told_lately_.emplace_back(now, reply);
    bridge_allocations(reply, now);
  }
  jobs_.apply(reply);
  News news{.now = live};
  for (const auto& event : reply.events) {
    if (event.name == "alloc" || event.name == "free") news.allocated = true;
    if (event.name == "exception") news.life = true;
  }
  return news;
}

void JournalFollower::repeat_after_list() {
  jobs_.count_starts(nullptr, false);  // these were counted when they were told first
  for (const auto& [when, reply] : told_lately_)
    jobs_.apply(reply);
  jobs_.count_starts(&waits_, false);
}

// A job that began after the last look at what is allocated must not wait for the next one to be seen there:
// a node that looks idle may be taken away.
void JournalFollower::bridge_allocations(const flux::JournalReply& reply, MonoTime now) {
  for (const auto& event : reply.events) {
    if (event.name == "free") bridge_.freed(reply.id);
    if (event.name != "alloc" || !reply.R) continue;
    if (auto R = flux::ResourceSet::from_json(*reply.R)) bridge_.allocated(reply.id, std::move(*R), now);
  }
}

}  // namespace fluxmetrics::instance
