#include "instance/session.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "base/text.hpp"

namespace fluxmetrics::instance {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr auto probe_every = 1s;         // resource.status, job-stats, queue-status: 0.3 ms each
constexpr auto layout_every = 15s;       // queue list, configuration, broker state
constexpr auto look_first = 200ms;       // how long a state may wait for what it lacks
constexpr auto scheduler_patience = 1s;  // with the first state, for which scheduler there is
constexpr auto gather = 10ms;            // changes come in bursts: one answer for all of one burst

// Of the states that a broker goes through, those after "run".
bool is_ending(std::string_view state) {
  return state == "cleanup" || state == "shutdown" || state == "finalize" || state == "goodbye" ||
         state == "exit" || state == "unload-builtins";
}

constexpr std::string_view private_mode =
    "this Flux instance hides other users' jobs from guests (access.private-mode)";

template <class T>
bool assign(T& target, T value) {
  if (target == value) return false;
  target = std::move(value);
  return true;
}

}  // namespace

Session::Session(Options options, const CollectorSink& sink, Observed& observed,
                 asio::any_io_executor executor)
    : options_(std::move(options)),
      sink_(sink),
      observed_(observed),
      wake_(executor),
      scheduler_due_(executor),
      contact_(options_.socket_path, options_.clock, observed.rpc_times),
      job_polls_(jobs_, options_.max_staleness / 2),
      journal_(jobs_, observed.waits),
      module_(options_.clock, observed.waits),
      nodes_budget_(20ms, options_.max_staleness / 2),
      allocated_budget_(20ms, options_.max_staleness / 2),
      denied_budget_(200ms, options_.max_staleness / 2),
      began_(now()) {}

asio::awaitable<Error> Session::run() {
  auto ready = co_await contact_.open(options_.follow_to_top, draft_);
  if (ready) {
    log::info("connected to Flux {} at {}: size {}, as {}", printable(draft_.version, 40),
              contact_.socket_path(), draft_.size, draft_.owner ? "owner" : "guest");
  }
  const bool module_may_tell = options_.ask_module && draft_.owner;
  if (ready && module_may_tell) co_await follow_module();
  if (ready) ready = co_await open_streams();
  if (ready) follow(watch_scheduler(shared_from_this()), "the scheduler");
  while (ready) {
    ready = co_await poll();
    if (!ready) break;
    publish();
    if (module_may_tell && module_.worth_seeking())
      found_module_ = co_await module_.tells(contact_.streams());
    if (found_module_) co_return Error{.code = Code::unavailable, .message = "the broker module was loaded"};
    co_await wait();
  }
  co_return ready.error();
}

void Session::end() {
  ended_ = true;
  scheduler_due_.cancel();
  contact_.close("the session ended");
}

asio::awaitable<void> Session::follow_module() {
  ModuleFollower::Told told = [this](const std::shared_ptr<const InstanceState>& state, Now confirmed) {
    if (!delivered_) log::info("the broker module flux-metrics reports the state: the broker is not polled");
    tell_scheduler(state->scheduler);
    deliver(state, confirmed,
            {.share = contact_.queries().meter().share(now()), .jobs = state->jobs.size(), .journal = true});
  };
  const auto why = co_await module_.follow(contact_.streams(), std::move(told));
  if (!why) co_return;
  if (delivered_) {
    log::info("the broker module flux-metrics stopped reporting ({}): the broker is polled from now on",
              printable(why->message));
  } else if (why->errnum == EAGAIN) {
    log::debug("the broker module flux-metrics has nothing to report: {}", printable(why->message));
  } else if (!nobody_tells(*why)) {
    log::warning("the broker module flux-metrics at {} cannot be used: {}", contact_.socket_path(),
                 printable(why->message));
  }
}

// The counts of all jobs are refused: what the list still shows is a part of them, and no number is better
// than one that is too small.
void Session::hide_jobs() {
  if (!draft_.jobs_unknown.empty()) return;
  log::warning("{}: job counts, and sizes computed from them, are not available", private_mode);
  draft_.jobs_unknown = private_mode;
  draft_.stats = {};
  jobs_.begin_full(0);
  jobs_.end_full();
}

void Session::take_stats(flux::JobStats stats) {
  const auto before = draft_.stats.all;
  if (!draft_.jobs_unknown.empty()) {
    draft_.jobs_unknown.clear();
    job_polls_.prove();
  }
  // An instance that ends begins with cancelling its jobs.
  if (stats.all.canceled > before.canceled) dirty_.life = true;
  if (stats.all.failed > before.failed) dirty_.denied = true;
  if (!assign(draft_.stats, std::move(stats))) return;
  const auto& after = draft_.stats.all;
  // Whoever only came to wait holds nothing.
  if (before.states.run != after.states.run || before.states.cleanup != after.states.cleanup ||
      before.states.inactive + before.inactive_purged != after.states.inactive + after.inactive_purged)
    dirty_.allocated = true;
  if (!journal_.keeps_jobs()) job_polls_.counts_moved(before, after);
}

Task<void> Session::poll() {
  mark_due(now());
  Result<void> done;
  if (dirty_.life) done = co_await poll_life();
  if (done && dirty_.layout) done = co_await poll_layout();
  if (done && dirty_.stats) done = co_await poll_stats();
  if (done && dirty_.nodes && nodes_budget_.may_run(now())) done = co_await poll_nodes();
  if (done && job_polls_.may_run(now())) done = co_await poll_jobs();
  if (done && draft_.owner && job_polls_.may_ask_jobspecs(now())) done = co_await fetch_jobspecs();
  if (done && dirty_.denied && denied_budget_.may_run(now())) done = co_await poll_denied();
  if (done && dirty_.allocated && allocated_budget_.may_run(now())) done = co_await poll_allocated();
  // Before what looks like the instance's end is published, it must be sure that it is not.
  if (done && dirty_.life) done = co_await poll_life();
  co_return done;
}

// Lists of jobs are what the demand is made of: the others make way for them.
void Session::ran(PollBudget& budget, MonoTime began) {
  const auto ended = now();
  budget.ran(began, ended, contact_.queries().meter().stretch(ended));
}

void Session::mark_due(MonoTime now) {
  if (now - probed_ >= probe_every) {
    probed_ = now;
    dirty_.stats = dirty_.nodes = dirty_.queues = dirty_.life = true;
    // Housekeeping ends without any event, the time without a scheduler too, and jobs that are hidden tell
    // nothing.
    const bool told = draft_.allocated_unknown.empty() && draft_.jobs_unknown.empty();
    if (!allocated_.empty() || !told) dirty_.allocated = true;
  }
  if (now - laid_out_ >= layout_every) {
    laid_out_ = now;
    dirty_.layout = true;
  }
  if (journal_.phase() == JournalFollower::Phase::ended) {
    journal_.stop();
    job_polls_.prove();
    log::info("the events journal ended: jobs are polled from now on");
  }
  if (journal_.stuck(now)) {
    journal_.stop();
    job_polls_.prove();
    log::warning(
        "the broker at {}: the backlog of the events journal never ends: jobs are polled from now on",
        contact_.socket_path());
  }
  job_polls_.prove_by(now);
}

Task<void> Session::poll_life() {
  dirty_.life = false;
  auto state = co_await contact_.queries().broker_state();
  if (!state) co_return std::unexpected(state.error());
  found_ending_ = is_ending(*state);
  if (found_ending_) {
    // What it still says of itself is how it is taken apart, not what anybody should scale by.
    co_return fail(Code::unavailable, "the Flux instance at {} is ending (its broker is in state '{}')",
                   contact_.socket_path(), *state);
  }
  draft_.broker_state = std::move(*state);
  co_return Result<void>{};
}

Task<void> Session::poll_layout() {
  dirty_.layout = false;
  // Without streams changes are seen late: begin anew where the broker lets us.
  if (!contact_.streams().connected()) {
    co_return fail(Code::unavailable, "the broker at {} closed the connection of the streams",
                   contact_.socket_path());
  }
  auto queues = co_await contact_.queries().queues();
  if (!queues) co_return std::unexpected(queues.error());
  // Which queues there are says nothing about their status, which stays as it was told last.
  for (auto& queue : *queues) {
    const auto known = std::ranges::find(draft_.queues, queue.name, &Queue::name);
    if (known == draft_.queues.end()) continue;
    queue.enabled = known->enabled;
    queue.started = known->started;
  }
  if (assign(draft_.queues, std::move(*queues))) dirty_.queues = queues_changed_ = true;
  co_return Result<void>{};
}

Task<void> Session::poll_stats() {
  auto stats = co_await contact_.queries().job_stats();
  dirty_.stats = false;
  if (stats) {
    const bool moved = draft_.stats != *stats;
    take_stats(std::move(*stats));
    if (!moved && !job_polls_.due() && journal_.complete())
      job_polls_.compare(draft_.stats.all.states, journal_.keeps_jobs());
  } else if (stats.error().errnum == EPERM) {
    hide_jobs();
  } else {
    co_return std::unexpected(stats.error());
  }
  if (!dirty_.queues) co_return Result<void>{};
  auto queues = draft_.queues;
  const auto has_scheduler = co_await contact_.queries().queue_status(queues);
  if (!has_scheduler) co_return std::unexpected(has_scheduler.error());
  dirty_.queues = false;
  if (assign(draft_.has_scheduler, *has_scheduler)) scheduler_due_.cancel();
  if (assign(draft_.queues, std::move(queues))) dirty_.life = true;
  co_return Result<void>{};
}

Task<void> Session::poll_nodes() {
  dirty_.nodes = false;
  const auto began = now();
  auto status = co_await contact_.queries().resource_status();
  ran(nodes_budget_, began);
  if (!status) co_return std::unexpected(status.error());
  bool moved = assign(draft_.resources, std::move(status->resources));
  moved = assign(draft_.online, std::move(status->online)) || moved;
  const bool lost = draft_.offline != status->offline;
  moved = assign(draft_.offline, std::move(status->offline)) || moved;
  moved = assign(draft_.excluded, std::move(status->exclude)) || moved;
  moved = assign(draft_.torpid, std::move(status->torpid)) || moved;
  moved = assign(draft_.drains, std::move(status->drains)) || moved;
  if (moved) dirty_.allocated = true;
  if (lost) dirty_.life = true;
  if (!lost) co_return Result<void>{};
  // An instance that found its resources by itself forgets a lost rank, but resource.status goes on listing
  // it.
  const auto kept = co_await contact_.queries().schedulable_ranks();
  if (!kept) co_return std::unexpected(kept.error());
  draft_.removed = *kept ? draft_.offline - draft_.excluded - **kept : flux::IdSet{};
  co_return Result<void>{};
}

Task<void> Session::poll_allocated() {
  dirty_.allocated = false;
  const auto began = now();
  auto allocated = co_await contact_.queries().allocated();
  ran(allocated_budget_, began);
  std::string unknown;
  if (!allocated) {
    if (!nobody_tells(allocated.error())) co_return std::unexpected(allocated.error());
    if (auto life = co_await poll_life(); !life) co_return life;
    unknown = fmt::format("nothing reports what is allocated on this Flux {} instance ({})", draft_.version,
                          allocated.error().message);
    allocated = flux::ResourceSet{};
  }
  journal_.caught_up(began);
  draft_.allocated_unknown = std::move(unknown);
  allocated_ = std::move(*allocated);
  co_return Result<void>{};
}

Task<void> Session::poll_jobs() {
  if (!draft_.jobs_unknown.empty()) {
    job_polls_.forget();
    co_return Result<void>{};
  }
  const auto began = now();
  const auto lists = job_polls_.begin(draft_.stats.all.states);
  for (const auto& which : lists) {
    if (auto taken = co_await take_list(which); !taken) co_return taken;
  }
  job_polls_.end(began, now());
  co_return Result<void>{};
}

Task<void> Session::take_list(JobList which) {
  const bool all = which.kind == JobList::Kind::active;
  const auto& counts = draft_.stats.all.states;
  if (all)
    jobs_.begin_full(static_cast<std::size_t>(std::max<std::int64_t>(0, counts.total - counts.inactive)));
  flux::JobListReader::Take take = [this](const flux::ListedJob& job) { jobs_.take(job); };
  const auto latest = co_await contact_.queries().list(which, std::move(take));
  if (!latest) co_return std::unexpected(latest.error());
  if (all) {
    jobs_.end_full();
    if (journal_.keeps_jobs()) {
      journal_.repeat_after_list();
    } else {
      jobs_.count_starts(&observed_.waits, true);
    }
  }
  job_polls_.listed(which, *latest);
  job_polls_.set_can_list_changes(contact_.queries().can_list_changes());
  co_return Result<void>{};
}

Task<void> Session::fetch_jobspecs() {
  const auto wanted = job_polls_.begin_jobspecs(journal_.keeps_jobs());
  if (wanted.empty()) co_return Result<void>{};
  const auto began = now();
  const auto jobspecs = co_await contact_.queries().jobspecs(wanted);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto& jobspec = jobspecs[i];
    if (!jobspec && (jobspec.error().code == Code::unavailable || jobspec.error().code == Code::timed_out)) {
      co_return std::unexpected(jobspec.error());
    }
    // A job that is gone, or whose jobspec nobody tells: null is remembered as unreadable.
    jobs_.set_jobspec(wanted[i], jobspec ? *jobspec : boost::json::value{});
  }
  const auto ended = now();
  job_polls_.end_jobspecs(began, ended, contact_.queries().meter().stretch(ended));
  co_return Result<void>{};
}

void Session::write_draft() {
  const auto wall = options_.clock().wall;
  // Jobs are by far the most: states between which none changed share them.
  if (jobs_.version() != written_version_ || queues_changed_ || denied_.outdated(wall)) {
    jobs_.write(draft_);
    denied_.write(draft_, wall);
    written_version_ = jobs_.version();
    queues_changed_ = false;
  }
  draft_.allocated = journal_.allocated_over(allocated_);
  draft_.waits = observed_.waits.read();
}

void Session::publish() {
  const auto at = now();
  // A job that began while we asked holds something that we have not seen yet: look first, unless that would
  // go on and on.
  if (dirty_.allocated && allocated_budget_.may_run(at + look_first) && at - published_at_ < look_first)
    return;
  // Half of the jobs are no state, and what it is told first is all that some read.
  news_ = !journal_.complete() || (!scheduler_heard_ && at - began_ < scheduler_patience);
  if (news_) return;
  published_at_ = at;
  write_draft();
  const auto& state = published_.renew(draft_);
  draft_.jobs = state->jobs;  // written anew they may be equal: shared, that need not be found out again
  deliver(state, options_.clock(),
          // A full list that repeats itself is part of the cost.
          {.share = contact_.queries().meter().share(at) + job_polls_.share_of_proofs(),
           .full_list = job_polls_.full_list(),
           .jobs = jobs_.size(),
           .journal = journal_.keeps_jobs()});
}

void Session::deliver(const std::shared_ptr<const InstanceState>& state, Now confirmed,
                      const Effort& effort) {
  delivered_ = true;
  if (sink_.rpc_times) sink_.rpc_times(observed_.rpc_times.read());
  sink_.state(state, confirmed);
  if (sink_.effort) sink_.effort(effort);
}

asio::awaitable<void> Session::wait() {
  const auto from = now();
  auto due = std::min(probed_ + probe_every, laid_out_ + layout_every);
  if (dirty_.nodes) due = std::min(due, nodes_budget_.next());
  if (dirty_.allocated) due = std::min(due, allocated_budget_.next());
  if (job_polls_.due()) due = std::min(due, job_polls_.next());
  if (dirty_.denied) due = std::min(due, denied_budget_.next());
  if (!journal_.keeps_jobs() && draft_.owner && jobs_.may_lack_jobspecs())
    due = std::min(due, job_polls_.next_jobspecs());
  if (news_) due = from;
  wake_.expires_after(std::max<MonoTime::duration>(due - from, gather));
  co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
  // A stream may have woken us early: let the rest of its burst arrive.
  wake_.expires_after(gather);
  co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
}

void Session::wake() {
  news_ = true;
  wake_.cancel();
}

}  // namespace fluxmetrics::instance
