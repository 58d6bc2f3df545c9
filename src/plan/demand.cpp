#include "plan/demand.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace fluxmetrics::plan {
namespace {

// Sums of floats that came and went are not quite 0 any more.
std::uint32_t rounded_up(double nodes) {
  return nodes < 1e-6 ? 0 : static_cast<std::uint32_t>(std::ceil(nodes - 1e-6));
}

}  // namespace

PlanDemand::PlanDemand(std::span<const PlanJob> jobs, std::uint32_t cores, std::uint32_t nodes,
                       const sizing::SizePolicy& policy)
    : nodes_(nodes), patience_(policy.patience.count()), wanted_(policy), place_(jobs.size()) {
  weights_.reserve(jobs.size());
  durations_.reserve(jobs.size());
  widths_.reserve(jobs.size());
  for (const auto& job : jobs) {
    weights_.push_back(weight_of(job, cores));
    durations_.push_back(job.duration);
    widths_.push_back(nodes_of(job, cores));
  }
}

// What the ranks at hand will have swallowed within the patience counts in part.
double PlanDemand::share(std::uint32_t job) const {
  const double part = patience_ > 0 ? std::min(1.0, durations_[job] / patience_) : 1.0;
  return weights_[job] * part;
}

void PlanDemand::queued(std::uint32_t job, double now) {
  waiting_.push_back({.job = job, .since = now});
  young_weight_ += share(job);
  waiting_weight_ += weights_[job];
  ++wide_[widths_[job]];
}

void PlanDemand::started(std::uint32_t job, double end) {
  waiting_.pop_front();
  if (old_ > 0) {
    --old_;
    old_weight_ -= weights_[job];
  } else {
    young_weight_ -= share(job);
  }
  waiting_weight_ -= weights_[job];
  if (const auto found = wide_.find(widths_[job]); --found->second == 0) wide_.erase(found);
  place_[job] = static_cast<std::uint32_t>(running_.size());
  running_.push_back({.job = job, .end = end});
  running_weight_ += weights_[job];
}

void PlanDemand::stopped(std::uint32_t job) {
  const auto place = place_[job];
  running_[place] = running_.back();
  place_[running_[place].job] = place;
  running_.pop_back();
  running_weight_ -= weights_[job];
}

void PlanDemand::grow_old(double now) {
  for (; old_ < waiting_.size() && now - waiting_[old_].since > 2 * patience_; ++old_) {
    const auto job = waiting_[old_].job;
    young_weight_ -= share(job);
    old_weight_ += weights_[job];
  }
}

std::uint32_t PlanDemand::end_of_one(std::uint32_t width) const {
  const auto running = rounded_up(running_weight_);
  return running + width <= nodes_ ? running + width : width;
}

std::uint32_t PlanDemand::end_of_all() const {
  auto end = rounded_up(running_weight_);
  auto placed = end;
  for (const auto& [width, count] : wide_) {
    const auto room = placed < nodes_ ? (nodes_ - placed) / width : 0;
    placed += std::min(room, count) * width;
    end = std::max(end, placed);
    if (room < count) end = std::max(end, end_of_one(width));
  }
  return end;
}

std::uint32_t PlanDemand::target(double now) {
  grow_old(now);
  double load = old_weight_ + young_weight_;
  for (const auto& running : running_) {
    const double left = std::max(0.0, running.end - now);
    load += weights_[running.job] * (patience_ > 0 ? std::min(1.0, left / patience_) : 1.0);
  }
  std::uint32_t wide = 0;
  for (const auto& [width, count] : wide_)
    wide = std::max(wide, end_of_one(width));
  return std::max({rounded_up(running_weight_), wide, std::min(end_of_all(), rounded_up(load))});
}

std::uint32_t PlanDemand::need(double now) {
  sizing::Demand demand;
  demand.target = target(now);
  return wanted_.update(demand, nodes_,
                        MonoTime(std::chrono::duration_cast<MonoTime::duration>(Seconds(now))));
}

}  // namespace fluxmetrics::plan
