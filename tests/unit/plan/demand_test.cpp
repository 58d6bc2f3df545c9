// plan's own sums and sizing's packing are two calculations of one number: the same history through both.
#include "plan/demand.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

#include "plan/latencies.hpp"
#include "sizing/demand.hpp"
#include "sizing/wanted.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::plan {
namespace {

constexpr double epoch = 1.8e9;

// Jobs of whole nodes, what runs on the lowest ranks, first come first served on as many nodes as happen to
// be up.
class History {
 public:
  explicit History(std::uint64_t seed)
      : random_(seed),
        nodes_(2 + pick(14)),
        jobs_(make_jobs()),
        policy_(make_policy()),
        wanted_(policy_),
        plan_(jobs_, 8, nodes_, policy_) {}

  // Errors: what differed, as a sentence; "" = nothing.
  std::string play() {
    while (next_ < jobs_.size() || !queue_.empty() || !running_.empty()) {
      now_ += random_.unit() < 0.5 ? random_.unit() * 5 : random_.unit() * 60;
      if (now_ > 20'000) break;
      if (random_.unit() < 0.3) up_ = pick(nodes_ + 1);
      move();
      const auto ours = plan_.need(now_);
      const auto theirs =
          wanted_.update(sizing::compute_demand(state(), policy_, from_unix(epoch + now_)), nodes_,
                         MonoTime(std::chrono::duration_cast<MonoTime::duration>(Seconds(now_))));
      ++looks;
      if (ours > policy_.min_replicas && ours < nodes_) ++between;
      if (ours != theirs)
        return fmt::format("at {:.2f} s plan wants {} of {} nodes, sizing {} ({} run, {} wait)", now_, ours,
                           nodes_, theirs, running_.size(), queue_.size());
    }
    return {};
  }

  std::uint64_t looks = 0;
  std::uint64_t between = 0;  // looks at which no limit decided

 private:
  struct Running {
    std::uint32_t job;
    double end;
    bool operator==(const Running&) const = default;
  };

  std::uint32_t pick(std::uint32_t count) {
    return std::min(count - 1, static_cast<std::uint32_t>(random_.unit() * count));
  }
  std::vector<PlanJob> make_jobs() {
    std::vector<PlanJob> jobs;
    const auto count = 5 + pick(40);
    double t = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (random_.unit() < 0.4) t += random_.unit() * 200;
      jobs.push_back({.submit = t,
                      .duration = 1 + (random_.unit() < 0.5 ? random_.unit() * 30 : random_.unit() * 400),
                      .nodes = 1 + pick(std::min(nodes_, 6U)),
                      .slots = 1,
                      .cores = 1,
                      .whole = true});
    }
    return jobs;
  }
  sizing::SizePolicy make_policy() {
    sizing::SizePolicy policy;
    policy.hold = Seconds(pick(3) * 30);
    policy.patience = Seconds(pick(3) * 45);
    policy.min_replicas = 1 + pick(2);
    policy.max_replicas = nodes_;
    return policy;
  }

  void move() {
    for (bool again = true; again;) {
      const auto over = std::ranges::find_if(running_, [&](const Running& job) { return job.end <= now_; });
      again = over != running_.end();
      if (!again) break;
      plan_.stopped(over->job);
      held_ -= jobs_[over->job].nodes;
      running_.erase(over);
    }
    for (; next_ < jobs_.size() && jobs_[next_].submit <= now_; ++next_) {
      queue_.push_back({next_, now_});
      plan_.queued(next_, now_);
    }
    while (!queue_.empty() && held_ + jobs_[queue_.front().job].nodes <= up_) {
      const auto job = queue_.front().job;
      queue_.erase(queue_.begin());
      held_ += jobs_[job].nodes;
      running_.push_back({job, now_ + jobs_[job].duration});
      plan_.started(job, now_ + jobs_[job].duration);
    }
  }

  [[nodiscard]] instance::InstanceState state() const {
    support::InstanceBuilder made(nodes_);
    made.online("0-" + std::to_string(nodes_ - 1));
    std::uint32_t rank = 0;
    for (const auto& [job, end] : running_) {
      const auto nodes = jobs_[job].nodes;
      made.running(support::whole_nodes(nodes), nodes, nodes * 8);
      made.last_job().expiration = epoch + end;
      made.use(flux::IdSet::range(rank, rank + nodes - 1).to_string(), "0-7");
      rank += nodes;
    }
    for (const auto& [job, since] : queue_) {
      made.pending(support::whole_nodes(jobs_[job].nodes));
      made.last_job().duration = jobs_[job].duration;
      made.last_job().t_sched = epoch + since;
    }
    return made;
  }

  PlanRandom random_;
  std::uint32_t nodes_;
  std::vector<PlanJob> jobs_;
  sizing::SizePolicy policy_;
  sizing::WantedSize wanted_;
  PlanDemand plan_;
  double now_ = 0;
  std::uint32_t up_ = 1;
  std::uint32_t next_ = 0;
  std::uint32_t held_ = 0;
  std::vector<Running> queue_;  // `end` is when it came
  std::vector<Running> running_;
};

TEST(PlanDemand, IsWhatSizingSaysOfWholeNodes) {
  std::uint64_t looks = 0;
  std::uint64_t between = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    History history(seed);
    ASSERT_EQ(history.play(), "") << "seed " << seed;
    looks += history.looks;
    between += history.between;
  }
  EXPECT_GT(between, looks / 8) << "the limits alone would agree as well";
}

}  // namespace
}  // namespace fluxmetrics::plan
