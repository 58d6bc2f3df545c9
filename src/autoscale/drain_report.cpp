#include "autoscale/drain_report.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace fluxmetrics::autoscale {
namespace {

constexpr std::size_t most_jobs_named = 10;

}  // namespace

void DrainReport::on_drained(const flux::IdSet& ranks, MonoTime now) {
  told_.drained += ranks.size();
  for (const auto rank : ranks)
    since_.insert_or_assign(rank, now);
  told_.ranks = told_.ranks | ranks;
  shared_.reset();
}

void DrainReport::on_undrained(const flux::IdSet& ranks) {
  told_.undrained += ranks.size();
  for (const auto rank : ranks)
    since_.erase(rank);
  told_.ranks = told_.ranks - ranks;
  shared_.reset();
}

void DrainReport::on_round(const sizing::ResizeObservation& seen, const sizing::ResizeActions& actions,
                           std::string sentence, Now now) {
  if (told_.ranks != seen.ours) {
    told_.ranks = seen.ours;
    shared_.reset();
  }
  std::erase_if(since_, [&](const auto& entry) {
    const auto& [rank, since] = entry;
    if (!seen.ours.contains(rank)) return true;  // undrained by somebody else
    if (seen.busy.contains(rank)) return false;
    told_.until_idle.add(Seconds(now.mono - since).count());
    shared_.reset();
    return true;
  });
  if (actions.wait == sizing::ResizeWait::jobs && wait_ != actions.wait) {
    ++told_.refused_shrinks;
    shared_.reset();
  }
  // A wait goes on while it is for the same thing, though for fewer ranks.
  if (actions.wait != wait_) told_.since = now.wall;
  if (actions.wait != wait_ || actions.waits_for != waits_for_) told_.jobs.clear();
  if (actions.wait == wait_ && actions.waits_for == waits_for_ && sentence == told_.waits) return;
  wait_ = actions.wait;
  waits_for_ = actions.waits_for;
  told_.waits = std::move(sentence);
  shared_.reset();
}

void DrainReport::on_jobs(const std::vector<flux::JobId>& jobs) {
  std::string text;
  for (std::size_t i = 0; i < std::min(jobs.size(), most_jobs_named); ++i)
    text += (i > 0 ? ", " : "") + flux::encode_f58(jobs[i]);
  if (jobs.size() > most_jobs_named) text += fmt::format(" and {} more", jobs.size() - most_jobs_named);
  if (text == told_.jobs) return;
  told_.jobs = std::move(text);
  shared_.reset();
}

void DrainReport::on_trouble(std::string trouble) {
  if (trouble == told_.trouble) return;
  told_.trouble = std::move(trouble);
  shared_.reset();
}

std::shared_ptr<const metrics::Draining> DrainReport::read() {
  if (!shared_) shared_ = std::make_shared<const metrics::Draining>(told_);
  return shared_;
}

}  // namespace fluxmetrics::autoscale
