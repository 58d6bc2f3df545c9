#include "metrics/watch.hpp"

#include <algorithm>

namespace fluxmetrics::metrics {

std::int64_t finished_jobs(const instance::InstanceState& state, std::size_t index) {
  const auto& name = state.queues[index].name;
  const flux::QueueStats* stats = &state.stats.all;
  if (!name.empty()) {
    const auto found = std::ranges::find(state.stats.queues, name, &flux::QueueStats::name);
    if (found == state.stats.queues.end()) return 0;
    stats = &*found;
  }
  return std::max<std::int64_t>(0, stats->states.inactive) +
         std::max<std::int64_t>(0, stats->inactive_purged);
}

Watch::Watch() {
  now_.arrivals = std::make_shared<const Histogram>(arrival_bounds);
  shared_ = std::make_shared<const Watched>(now_);
}

void Watch::begin_anew(const instance::InstanceState& state) {
  started_ = state.started;
  queues_.clear();
  for (const auto& queue : state.queues)
    queues_.push_back(queue.name);
  samples_.clear();
}

std::optional<std::vector<double>> Watch::rates(const instance::InstanceState& state, MonoTime now) {
  // Once a second is enough for a rate over a minute.
  if (!samples_.empty() && now - samples_.back().when < sample_every) return now_.finished_per_second;
  Sample sample{.when = now, .finished = {}};
  for (std::size_t i = 0; i < state.queues.size(); ++i)
    sample.finished.push_back(finished_jobs(state, i));
  // A count that falls is that of another beginning.
  if (!samples_.empty() &&
      !std::ranges::equal(sample.finished, samples_.back().finished, std::greater_equal{}))
    samples_.clear();
  while (samples_.size() > 1 && now - samples_[1].when >= window)
    samples_.pop_front();
  std::optional<std::vector<double>> rates;
  if (!samples_.empty() && now - samples_.front().when >= enough) {
    const auto& first = samples_.front();
    const double passed = Seconds(now - first.when).count();
    auto& values = rates.emplace();
    for (std::size_t i = 0; i < sample.finished.size(); ++i)
      values.push_back(static_cast<double>(sample.finished[i] - first.finished[i]) / passed);
  }
  samples_.push_back(std::move(sample));
  return rates;
}

void Watch::follow_arrivals(const instance::InstanceState& state, std::uint32_t wanted, MonoTime now) {
  flux::IdSet awaited;
  if (wanted > 0) awaited = (flux::IdSet::range(0, wanted - 1) & state.offline) - state.excluded;
  if (awaiting_ && awaited == awaited_) return;
  const flux::IdSet come = (awaited_ - awaited) & state.online;
  std::shared_ptr<Histogram> counted;
  for (const auto rank : come) {
    const auto since = since_.find(rank);
    if (since == since_.end()) continue;
    if (!counted) counted = std::make_shared<Histogram>(*now_.arrivals);
    now_.last_arrival = Seconds(now - since->second).count();
    counted->add(*now_.last_arrival);
  }
  if (counted) now_.arrivals = std::move(counted);
  std::erase_if(since_, [&](const auto& entry) { return !awaited.contains(entry.first); });
  // Nobody knows how long those have been awaited that were when we came.
  if (awaiting_) {
    for (const auto rank : awaited - awaited_)
      since_.emplace(rank, now);
  }
  awaited_ = std::move(awaited);
  awaiting_ = true;
}

std::shared_ptr<const Watched> Watch::update(const instance::InstanceState& state,
                                             std::optional<std::uint32_t> wanted, MonoTime now) {
  const auto same_name = [](const instance::Queue& queue, const std::string& name) {
    return queue.name == name;
  };
  const bool restarted = state.started != started_;
  if (restarted || !std::ranges::equal(state.queues, queues_, same_name)) begin_anew(state);
  if (restarted) {
    awaited_ = {};
    since_.clear();
    awaiting_ = false;
  }
  const auto before = now_;
  if (state.jobs_unknown.empty()) {
    now_.finished_per_second = rates(state, now);
  } else {
    samples_.clear();
    now_.finished_per_second.reset();
  }
  if (wanted) follow_arrivals(state, *wanted, now);
  const bool same = before.finished_per_second == now_.finished_per_second &&
                    before.arrivals == now_.arrivals && before.last_arrival == now_.last_arrival;
  if (!same) shared_ = std::make_shared<const Watched>(now_);
  return shared_;
}

}  // namespace fluxmetrics::metrics
