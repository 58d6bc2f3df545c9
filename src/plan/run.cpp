#include "plan/run.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <numeric>
#include <optional>
#include <queue>

#include "flux/idset.hpp"
#include "hpa/controller.hpp"
#include "plan/demand.hpp"
#include "plan/latencies.hpp"
#include "plan/metrics.hpp"
#include "plan/observer.hpp"
#include "plan/ranks.hpp"
#include "sizing/resize.hpp"

namespace fluxmetrics::plan {
namespace {

constexpr double look_every = 5;        // seconds between two looks of the wanted size
constexpr double cleanup_seconds = 25;  // of the nodes that are left of a killed job
constexpr std::size_t most_points = 2000;

enum class Kind : std::uint8_t { job_end, node_up, rank_dead, cleaned, sync, look, sample };

struct Event {
  double t = 0;
  std::uint64_t order = 0;  // of events at the same time
  Kind kind = Kind::sync;
  std::uint32_t what = 0;        // job, rank or index
  std::uint32_t generation = 0;  // an event of an older life of the thing is void
  bool operator>(const Event& other) const { return t != other.t ? t > other.t : order > other.order; }
};

// A pod and its node.
struct Life {
  std::uint32_t generation = 0;
  bool exists = false;  // paid for
  double since = 0;
};

struct Running {
  std::uint32_t generation = 0;
  bool runs = false;
  double start = 0;
  RankShares placement;
};

sizing::SizePolicy size_policy(const PlanSetup& setup) {
  sizing::SizePolicy policy;
  policy.hold = Seconds(setup.hold);
  policy.patience = Seconds(setup.patience);
  policy.min_replicas = setup.min;
  policy.max_replicas = setup.max;
  return policy;
}

class Run {
 public:
  Run(const PlanStrategy& strategy, std::span<const PlanJob> jobs, const PlanSetup& setup)
      : strategy_(strategy),
        jobs_(jobs),
        setup_(setup),
        random_(setup.seed),
        ranks_(setup.max, setup.cores),
        demand_(jobs, setup.cores, setup.max, size_policy(setup)),
        observer_(strategy),
        controller_({}, {.version = setup.kubernetes}),
        lives_(setup.max),
        old_(setup.max),
        running_(jobs.size()),
        size_(strategy.starts_at_max ? setup.max : setup.min),
        handed_(size_),
        published_(size_),
        resize_({.min = setup.min,
                 .max = setup.max,
                 .hold = Seconds(setup.hold),
                 .shrink_every = Seconds(0)}),  // an HPA does it once a sync
        bound_released_(setup.max) {}

  PlanOutcome play() {
    begin();
    while (!over()) {
      const bool submission =
          next_ < jobs_.size() && (events_.empty() || jobs_[next_].submit <= events_.top().t);
      if (!submission && events_.empty()) break;
      const double t = submission ? jobs_[next_].submit : events_.top().t;
      if (t > deadline()) break;
      advance(t);
      if (submission) {
        enqueue(next_++);
      } else {
        const auto event = events_.top();
        events_.pop();
        handle(event);
      }
      schedule();
    }
    return outcome();
  }

 private:
  void begin() {
    for (std::uint32_t rank = 0; rank < size_; ++rank) {
      lives_[rank] = {.generation = 1, .exists = true};
      join(rank);
    }
    const double last = jobs_.empty() ? 0 : jobs_.back().submit;
    sample_every_ = std::max(1.0, last / 1000);
    push(0, Kind::sample);
    if (strategy_.hpa) push(random_.between(0, setup_.period), Kind::sync);
    if (strategy_.follows_wanted()) push(0, Kind::look);
  }

  [[nodiscard]] bool done() const { return next_ == jobs_.size() && ended_ == jobs_.size(); }
  [[nodiscard]] bool over() const { return done() && now_ >= last_end_ + setup_.tail; }
  [[nodiscard]] double deadline() const {
    if (done()) return last_end_ + setup_.tail;
    return (jobs_.empty() ? 0 : jobs_.back().submit) + setup_.give_up_after;
  }

  void push(double t, Kind kind, std::uint32_t what = 0, std::uint32_t generation = 0) {
    events_.push({.t = t, .order = order_++, .kind = kind, .what = what, .generation = generation});
  }

  void advance(double t) {
    if (strategy_.bound) bound_seconds_ += (t - now_) * bound_in_use();
    now_ = t;
  }

  // Ranks below the smallest size are always paid for.
  [[nodiscard]] std::uint32_t bound_in_use() const { return std::max(bound_size_, setup_.min); }

  // The bound asks for a node just so early that it is there when it is needed, and pays until a released one
  // is gone; between two uses it keeps the node where that is cheaper. Nobody pays before 0.
  void set_bound_size(std::uint32_t size) {
    const double come = median_come_seconds();
    for (auto rank = bound_in_use(); rank < size; ++rank) {
      const auto released = bound_released_[rank];
      bound_seconds_ +=
          released ? std::min(now_ - *released, come + bound_go_seconds()) : std::min(now_, come);
    }
    for (auto rank = std::max(size, setup_.min); rank < bound_size_; ++rank)
      bound_released_[rank] = now_;
    bound_size_ = size;
  }

  [[nodiscard]] double bound_seconds_until(double end) const {
    double sum = bound_seconds_ + (std::max(0.0, end - now_) * bound_in_use());
    for (auto rank = bound_in_use(); rank < setup_.max; ++rank) {
      if (const auto released = bound_released_[rank]) sum += std::min(end - *released, bound_go_seconds());
    }
    return sum;
  }

  // Its pods die like all others, and only then their nodes go.
  [[nodiscard]] double bound_go_seconds() const { return setup_.pod_grace + median_go_seconds(); }

  void enqueue(std::uint32_t job) {
    queue_.push_back(job);
    demand_.queued(job, now_);
  }

  void schedule() {
    bool changed = false;
    while (!queue_.empty()) {
      const auto job = queue_.front();
      auto placement = ranks_.place(jobs_[job]);
      if (placement.empty()) break;
      queue_.pop_front();
      auto& running = running_[job];
      running.placement = std::move(placement);
      running.runs = true;
      running.start = now_;
      const double end = now_ + jobs_[job].duration;
      demand_.started(job, end);
      push(end, Kind::job_end, job, running.generation);
      changed = true;
    }
    if (changed && strategy_.bound) set_bound_size(ranks_.highest_busy());
  }

  void handle(const Event& event) {
    switch (event.kind) {
      case Kind::job_end:
        end_job(event);
        break;
      case Kind::node_up:
        if (lives_[event.what].generation != event.generation) break;
        if (old_[event.what].exists) die(event.what);  // a second broker takes the rank over
        join(event.what);
        if (strategy_.drains) obey_protocol();
        break;
      case Kind::rank_dead:
        if (old_[event.what].exists && old_[event.what].generation == event.generation) die(event.what);
        break;
      case Kind::cleaned:
        ranks_.release(cleaning_[event.what]);
        cleaning_[event.what].clear();
        cleaned_.push_back(event.what);
        break;
      case Kind::sync:
        synchronise();
        push(now_ + setup_.period, Kind::sync);
        break;
      case Kind::look:
        look();
        push(now_ + look_every, Kind::look);
        break;
      case Kind::sample:
        sample();
        push(now_ + sample_every_, Kind::sample);
        break;
    }
  }

  void end_job(const Event& event) {
    auto& running = running_[event.what];
    if (!running.runs || running.generation != event.generation) return;
    running.runs = false;
    ranks_.release(running.placement);
    running.placement.clear();
    demand_.stopped(event.what);
    ++ended_;
    last_end_ = now_;
    waits_.push_back(running.start - jobs_[event.what].submit);
    worked_ += work_of(jobs_[event.what], setup_.cores);
    if (strategy_.bound) set_bound_size(ranks_.highest_busy());
  }

  void sample() {
    if (points_.size() >= most_points) {
      for (std::size_t i = 0; (2 * i) < points_.size(); ++i)
        points_[i] = points_[2 * i];
      points_.resize((points_.size() + 1) / 2);
      sample_every_ *= 2;
    }
    points_.push_back({.t = now_,
                       .size = strategy_.bound ? bound_in_use() : size_,
                       .up = strategy_.bound ? bound_in_use() : ranks_.up_count(),
                       .demand = static_cast<std::uint32_t>(std::ceil(demand_.demand() - 1e-6)),
                       .queue = static_cast<std::uint32_t>(queue_.size())});
  }

  void look() {
    need_ = demand_.need(now_);
    if (strategy_.drains) {
      obey_protocol();
    } else {
      published_ = std::clamp(std::max(need_, ranks_.highest_busy()), setup_.min, setup_.max);
    }
  }

  // What depends on an action is decided once its effect is seen: until nothing is left to do.
  void obey_protocol() {
    for (;;) {
      const auto actions = resize_.step(observation());
      for (const auto rank : actions.drain)
        ranks_.set_drained(rank, true);
      for (const auto rank : actions.undrain)
        ranks_.set_drained(rank, false);
      drained_ = (drained_ | actions.drain) - actions.undrain;
      const bool still = actions.drain.empty() && actions.undrain.empty() && actions.publish == published_;
      published_ = actions.publish;
      if (still) return;
    }
  }

  [[nodiscard]] sizing::ResizeObservation observation() const {
    const MonoTime now(std::chrono::duration_cast<MonoTime::duration>(Seconds(now_)));
    // What is busy below the highest changes nothing, except where a pod goes.
    flux::IdSet busy;
    if (const auto end = ranks_.highest_busy(); end > 0) busy.insert(end - 1);
    for (const auto rank : terminating_)
      if (ranks_.busy(rank)) busy.insert(rank);
    return {.now = now,
            .need = need_,
            .published = published_,
            .handed_out = handed_,
            .cluster = sizing::ClusterSight{.seen = now,
                                            .size = size_,
                                            .parallelism = size_,
                                            .terminating = terminating_,
                                            .joined = joined_},
            .flux_seen = now,
            .ranks = setup_.max,
            .online = {},
            .ours = drained_,
            .others = {},
            .busy = std::move(busy)};
  }

  [[nodiscard]] PlanMoment moment() const {
    return {.now = now_,
            .min = setup_.min,
            .wanted = published_,
            .over = ended_ + killed_,
            .leaving = terminating_,
            .cleaning = cleaning_,
            .ranks = ranks_,
            .demand = demand_,
            .jobs = jobs_,
            .nodes_held = [this](std::uint32_t job) { return running_[job].placement.size(); }};
  }

  void synchronise() {
    if (strategy_.follows_wanted()) {
      look();
      handed_ = published_;
    }
    const auto now = moment();
    PlanFacts facts(now);
    const auto decision = controller_.sync(*strategy_.hpa, observer_.look(facts, size_),
                                           static_cast<std::int64_t>(std::llround(now_ * 1000)));
    resize(static_cast<std::uint32_t>(std::max(decision.replicas, 0)));
  }

  // A MiniCluster has no size 0, and none above its maxSize.
  void resize(std::uint32_t size) {
    size = std::clamp(size, 1U, setup_.max);
    if (size == size_) return;
    ++resizes_;
    const auto before = size_;
    size_ = size;
    if (size > before) {
      grow(before, size);
    } else {
      shrink(size, before);
    }
  }

  // Nodes of one order come evenly between the time of one and the time of all.
  void grow(std::uint32_t from, std::uint32_t to) {
    const auto count = to - from;
    const double all = add_seconds(count, random_.unit());
    const double first = std::min(all, add_seconds(1, random_.unit()));
    for (auto rank = from; rank < to; ++rank) {
      auto& life = lives_[rank];
      life = {.generation = life.generation + 1, .exists = true, .since = now_};
      const double part = static_cast<double>(rank - from + 1) / count;
      const double join = random_.between(least_join_seconds, most_join_seconds);
      push(now_ + first + ((all - first) * part) + join, Kind::node_up, rank, life.generation);
    }
  }

  // A pod whose node has not come goes at once. One that runs does not hear that it is deleted: its broker
  // takes jobs until it is killed, or until that of a new pod takes the rank over.
  void shrink(std::uint32_t to, std::uint32_t from) {
    removing_ = from - to;
    for (auto rank = to; rank < from; ++rank) {
      auto& life = lives_[rank];
      if (joined_.contains(rank)) {
        joined_.erase(rank);
        terminating_.insert(rank);
        old_[rank] = life;
        push(now_ + random_.between(0.2, 2) + setup_.pod_grace, Kind::rank_dead, rank, life.generation);
      } else if (life.exists) {
        pay(life);
      }
      life.exists = false;
      ++life.generation;
    }
  }

  void join(std::uint32_t rank) {
    ranks_.set_up(rank, true);
    joined_.insert(rank);
  }

  // The broker of a deleted pod is gone, and its jobs with it.
  void die(std::uint32_t rank) {
    if (ranks_.busy(rank)) kill_jobs(rank);
    ranks_.set_up(rank, false);
    terminating_.erase(rank);
    pay(old_[rank]);
    old_[rank].exists = false;
  }

  // The node of a pod that is gone is paid for until it is gone too.
  void pay(const Life& life) {
    paid_.emplace_back(life.since, now_ + remove_seconds(removing_, random_.unit()));
  }

  void kill_jobs(std::uint32_t rank) {
    const auto here = [rank](const auto& part) { return part.first == rank; };
    std::vector<std::uint32_t> victims;
    for (const auto job : demand_.running()) {
      if (std::ranges::any_of(running_[job].placement, here)) victims.push_back(job);
    }
    std::ranges::sort(victims);  // they are queued again in the order of their submission
    for (const auto job : victims)
      kill_job(job, rank);
    // What is cleaned up there is gone as well.
    for (auto& placement : cleaning_) {
      std::erase_if(placement, [&](const auto& part) {
        if (part.first != rank) return false;
        ranks_.release({part});
        return true;
      });
    }
  }

  void kill_job(std::uint32_t job, std::uint32_t rank) {
    auto& running = running_[job];
    running.runs = false;
    ++running.generation;
    ++killed_;
    demand_.stopped(job);
    RankShares gone;
    RankShares left;
    for (const auto& part : running.placement)
      (part.first == rank ? gone : left).push_back(part);
    running.placement.clear();
    ranks_.release(gone);
    if (!left.empty()) clean_up(std::move(left));
    enqueue(job);
  }

  void clean_up(RankShares placement) {
    auto slot = static_cast<std::uint32_t>(cleaning_.size());
    if (cleaned_.empty()) {
      cleaning_.emplace_back();
    } else {
      slot = cleaned_.back();
      cleaned_.pop_back();
    }
    cleaning_[slot] = std::move(placement);
    push(now_ + cleanup_seconds, Kind::cleaned, slot);
  }

  [[nodiscard]] double paid_seconds() const {
    const double end = done() ? last_end_ + setup_.tail : now_;
    if (strategy_.bound) return bound_seconds_until(end);
    double sum = 0;
    for (const auto& [from, to] : paid_)
      sum += std::max(0.0, std::min(to, end) - from);
    for (const auto* lives : {&lives_, &old_})
      for (const auto& life : *lives)
        sum += life.exists ? std::max(0.0, end - life.since) : 0;
    return sum;
  }

  PlanOutcome outcome() {
    PlanOutcome outcome{.strategy = strategy_.name,
                        .jobs = jobs_.size(),
                        .finished = ended_,
                        .killed = killed_,
                        .resizes = resizes_,
                        .makespan = last_end_};
    std::ranges::sort(waits_);
    const auto quantile = [&](double q) {
      return waits_.empty() ? 0
                            : waits_[static_cast<std::size_t>(q * static_cast<double>(waits_.size() - 1))];
    };
    for (int i = 0; i <= 100; ++i)
      outcome.waits.push_back(quantile(i / 100.0));
    outcome.p95_wait = quantile(0.95);
    if (!waits_.empty()) {
      outcome.mean_wait =
          std::accumulate(waits_.begin(), waits_.end(), 0.0) / static_cast<double>(waits_.size());
    }
    const double paid = paid_seconds();
    outcome.node_hours = paid / 3600;
    outcome.utilisation = paid > 0 ? worked_ / (paid * setup_.cores) : 0;
    outcome.points = std::move(points_);
    return outcome;
  }

  const PlanStrategy& strategy_;
  std::span<const PlanJob> jobs_;
  const PlanSetup& setup_;
  PlanRandom random_;
  PlanRanks ranks_;
  PlanDemand demand_;
  PlanObserver observer_;
  hpa::HpaController controller_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t order_ = 0;
  std::vector<Life> lives_;       // by rank, what belongs to the size
  std::vector<Life> old_;         // by rank, what was deleted and still runs
  std::vector<Running> running_;  // of jobs
  std::deque<std::uint32_t> queue_;
  std::vector<RankShares> cleaning_;
  std::vector<std::uint32_t> cleaned_;  // places in cleaning_ that are free again
  double now_ = 0;
  std::uint32_t next_ = 0;  // the next job to be submitted
  std::uint64_t ended_ = 0;
  double last_end_ = 0;
  std::uint32_t size_;
  std::uint32_t need_ = 0;
  std::uint32_t handed_;  // what the HPA read last
  std::uint32_t published_;
  sizing::Resize resize_;
  flux::IdSet drained_;      // ranks, by us
  flux::IdSet terminating_;  // ranks whose broker is that of a pod that goes
  flux::IdSet joined_;       // ranks that are up and stay
  std::uint32_t removing_ = 1;
  std::uint32_t bound_size_ = 0;
  double bound_seconds_ = 0;
  std::vector<std::optional<double>> bound_released_;  // when each rank was last let go
  std::vector<std::pair<double, double>> paid_;
  std::uint64_t killed_ = 0;
  std::uint64_t resizes_ = 0;
  std::vector<double> waits_;
  double worked_ = 0;
  double sample_every_ = 1;
  std::vector<PlanPoint> points_;
};

}  // namespace

PlanOutcome run_plan_strategy(const PlanStrategy& strategy, std::span<const PlanJob> jobs,
                              const PlanSetup& setup) {
  return Run(strategy, jobs, setup).play();
}

}  // namespace fluxmetrics::plan
