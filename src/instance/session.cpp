#include "instance/session.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fmt/format.h>
#include <span>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "flux/hostlist.hpp"
#include "flux/uri.hpp"

namespace fluxmetrics::instance {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr auto probe_every = 1s;        // resource.status, job-stats, queue-status: 0.3 ms each
constexpr auto layout_every = 15s;      // queue list, configuration, broker state
constexpr auto proof_every = 5min;      // a full job list proves what the journal, or lists of changes, told
constexpr double broker_slack = 1;      // seconds that two events may be told in the wrong order
constexpr std::size_t few_jobs = 1000;  // a full list of so many costs next to nothing
constexpr unsigned disagreements_allowed = 3;
constexpr auto look_first = 200ms;       // how long a state may wait for what it lacks
constexpr auto scheduler_patience = 1s;  // with the first state, for which scheduler there is
constexpr auto gather = 10ms;            // changes come in bursts: one answer for all of one burst
constexpr std::size_t most_levels = 32;  // of sub-instances in each other
constexpr auto journal_patience = 3s;    // of silence in a backlog, before its end
constexpr auto jobspecs_time = 200ms;    // for one round of asking: a slow broker must not hold up the rest
constexpr std::size_t most_jobspecs_at_once = 64;

Result<std::uint32_t> to_number(const std::string& text, std::string_view name) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return fail(Code::protocol, "broker attribute {} is '{}', not a number", name, printable(text, 40));
  }
  return number;
}

// Of the states that a broker goes through, those after "run".
bool is_ending(std::string_view state) {
  return state == "cleanup" || state == "shutdown" || state == "finalize" || state == "goodbye" ||
         state == "exit" || state == "unload-builtins";
}

constexpr std::string_view private_mode =
    "this Flux instance hides the jobs of others from guests (access.private-mode)";

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
      nodes_budget_(20ms, options_.max_staleness / 2),
      allocated_budget_(20ms, options_.max_staleness / 2),
      all_jobs_budget_(50ms, options_.max_staleness / 2),
      changes_budget_(50ms, options_.max_staleness / 2),
      jobspec_budget_(20ms, options_.max_staleness / 2),
      denied_budget_(200ms, options_.max_staleness / 2) {}

asio::awaitable<Error> Session::run() {
  auto ready = co_await connect();
  if (ready) ready = co_await identify();
  if (ready && options_.follow_to_top && draft_.level > 0) ready = co_await go_to_top();
  if (ready) ready = co_await learn_role();
  if (ready && options_.ask_module && draft_.owner) co_await follow_module();
  if (ready) ready = co_await open_streams();
  if (ready) follow(watch_scheduler(shared_from_this()), "the scheduler");
  while (ready) {
    ready = co_await poll();
    if (!ready) break;
    publish();
    if (seeks_module()) found_module_ = co_await module_tells();
    if (found_module_) co_return Error{.code = Code::unavailable, .message = "the broker module was loaded"};
    co_await wait();
  }
  co_return ready.error();
}

void Session::end() {
  ended_ = true;
  scheduler_due_.cancel();
  if (streams_) streams_->close("the session ended");
  if (polls_) polls_->close("the session ended");
}

asio::awaitable<Result<void>> Session::connect() {
  auto polls = co_await flux::Client::connect(options_.socket_path);
  if (!polls) co_return std::unexpected(polls.error());
  auto streams = co_await flux::Client::connect(options_.socket_path);
  if (!streams) co_return std::unexpected(streams.error());
  polls_ = std::move(*polls);
  streams_ = std::move(*streams);
  queries_ = std::make_unique<Queries>(polls_, &observed_.rpc_times);
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Session::identify() {
  const auto size = co_await queries_->attribute("size");
  if (!size) co_return std::unexpected(size.error());
  if (!*size) co_return fail(Code::protocol, "the broker has no attribute size");
  const auto count = to_number(**size, "size");
  if (!count) co_return std::unexpected(count.error());
  draft_.size = *count;
  const auto level = co_await queries_->attribute("instance-level");
  if (!level) co_return std::unexpected(level.error());
  draft_.level = to_number(level->value_or("0"), "instance-level").value_or(0);
  const auto version = co_await queries_->attribute("version");
  if (!version) co_return std::unexpected(version.error());
  draft_.version = version->value_or("");
  const auto started = co_await queries_->attribute("broker.starttime");
  if (!started) co_return std::unexpected(started.error());
  draft_.started = started->value_or("");
  const auto hosts = co_await queries_->attribute("hostlist");
  if (!hosts) co_return std::unexpected(hosts.error());
  if (const auto names = flux::expand_hostlist(hosts->value_or("")); names && !names->empty()) {
    draft_.hostname = names->front();
  }
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Session::go_to_top() {
  std::vector<std::string> passed;
  while (draft_.level > 0) {
    if (std::ranges::find(passed, options_.socket_path) != passed.end() || passed.size() >= most_levels) {
      co_return fail(
          Code::protocol,
          "the broker at {} belongs to a sub-instance whose parents lead round and round: name the "
          "instance to serve with --flux-uri",
          options_.socket_path);
    }
    passed.push_back(options_.socket_path);
    const auto parent = co_await queries_->own_attribute("parent-uri");
    if (!parent) co_return std::unexpected(parent.error());
    const auto path = flux::local_socket_path(parent->value_or(""));
    if (!path) {
      co_return fail(
          Code::unsupported,
          "the broker at {} belongs to a sub-instance (level {}) and its parent cannot be reached: {}; "
          "name the instance to serve with --flux-uri",
          options_.socket_path, draft_.level, path.error().message);
    }
    log::info("the broker at {} belongs to a sub-instance (level {}): going up to {}", options_.socket_path,
              draft_.level, *path);
    options_.socket_path = *path;
    polls_->close("going to the parent instance");
    streams_->close("going to the parent instance");
    if (auto connected = co_await connect(); !connected) co_return connected;
    if (auto identified = co_await identify(); !identified) co_return identified;
  }
  co_return Result<void>{};
}

// The counts of all jobs are refused: what the list still shows is a part of them, and no number is better
// than one that is too small.
void Session::hide_jobs() {
  if (!draft_.jobs_unknown.empty()) return;
  log::warning("{}: counts of jobs and sizes that follow from them are not available", private_mode);
  draft_.jobs_unknown = private_mode;
  draft_.stats = {};
  jobs_.begin_full(0);
  jobs_.end_full();
  changed_ = true;
}

void Session::take_stats(flux::JobStats stats) {
  const auto before = draft_.stats.all;
  if (!draft_.jobs_unknown.empty()) {
    draft_.jobs_unknown.clear();
    changed_ = prove_ = dirty_.jobs = true;
  }
  // An instance that ends begins with cancelling its jobs.
  if (stats.all.canceled > before.canceled) dirty_.life = true;
  if (stats.all.failed > before.failed) dirty_.denied = true;
  if (!assign(draft_.stats, std::move(stats))) return;
  changed_ = true;
  const auto& after = draft_.stats.all;
  // Whoever only came to wait holds nothing.
  if (before.states.run != after.states.run || before.states.cleanup != after.states.cleanup ||
      before.states.inactive + before.inactive_purged != after.states.inactive + after.inactive_purged)
    dirty_.allocated = true;
  if (journal_) return;
  const bool came =
      before.states.total + before.inactive_purged != after.states.total + after.inactive_purged;
  const bool waits =
      before.states.depend != after.states.depend || before.states.priority != after.states.priority;
  dirty_.moves = asks_for_changes();
  if (came || waits || !dirty_.moves) dirty_.jobs = true;
}

// Few jobs are listed in full for next to nothing; that also shows who was held, which no time tells.
bool Session::asks_for_changes() const {
  return !prove_ && jobs_.size() > few_jobs && queries_->can_list_changes();
}

// What lists of changes cannot show: a job that was missed. Nothing may be under way when this is called.
void Session::compare_with_stats() {
  auto counted = jobs_.count();
  counted.inactive = draft_.stats.all.states.inactive;
  counted.total = draft_.stats.all.states.total;
  disagreements_ = counted == draft_.stats.all.states ? 0 : disagreements_ + 1;
  if (disagreements_ == 0) return;
  if (!journal_) {
    dirty_.jobs = true;
    dirty_.moves = asks_for_changes();
  }
  if (disagreements_ < disagreements_allowed) return;
  log::debug("the jobs that were told one by one are not those of job-stats: asking for all of them");
  disagreements_ = 0;
  prove_ = dirty_.jobs = true;
}

asio::awaitable<Result<void>> Session::poll() {
  mark_due(MonoTime::clock::now());
  Result<void> done;
  if (dirty_.life) done = co_await poll_life();
  if (done && dirty_.layout) done = co_await poll_layout();
  if (done && dirty_.stats) done = co_await poll_stats();
  if (done && dirty_.nodes && nodes_budget_.may_run(MonoTime::clock::now())) done = co_await poll_nodes();
  if (done && (dirty_.jobs || dirty_.moves) && jobs_budget().may_run(MonoTime::clock::now()))
    done = co_await poll_jobs();
  if (done && draft_.owner && jobspec_budget_.may_run(MonoTime::clock::now()))
    done = co_await fetch_jobspecs();
  if (done && dirty_.denied && denied_budget_.may_run(MonoTime::clock::now())) done = co_await poll_denied();
  if (done && dirty_.allocated && allocated_budget_.may_run(MonoTime::clock::now()))
    done = co_await poll_allocated();
  // Before what looks like the instance's end is published, it must be sure that it is not.
  if (done && dirty_.life) done = co_await poll_life();
  co_return done;
}

void Session::ran(PollBudget& budget, MonoTime began) {
  const auto now = MonoTime::clock::now();
  // Lists of jobs are what the demand is made of: the others make way for them.
  const bool lists_jobs = &budget == &all_jobs_budget_ || &budget == &changes_budget_;
  budget.ran(began, now, lists_jobs ? 1 : queries_->meter().stretch(now));
}

void Session::mark_due(MonoTime now) {
  if (now - probed_ >= probe_every) {
    probed_ = now;
    dirty_.stats = dirty_.nodes = dirty_.queues = dirty_.life = true;
    // Housekeeping ends without any event, the time without a scheduler too, and jobs that are hidden tell
    // nothing.
    const bool told = draft_.allocated_unknown.empty() && draft_.jobs_unknown.empty();
    if (!draft_.allocated.empty() || !told) dirty_.allocated = true;
  }
  if (now - laid_out_ >= layout_every) {
    laid_out_ = now;
    dirty_.layout = true;
  }
  if (journal_ended_) {
    journal_ = journal_ended_ = false;
    prove_ = dirty_.jobs = true;
    log::info("the events journal ended: jobs are polled from now on");
  }
  if (journal_ && !journal_ready_ && now - journal_heard_ > journal_patience) {
    log::warning(
        "the broker at {}: the backlog of the events journal has no end: jobs are polled from now on",
        options_.socket_path);
    journal_ = false;
    prove_ = dirty_.jobs = true;
  }
  if (now - proven_ >= proof_every) prove_ = dirty_.jobs = true;
}

asio::awaitable<Result<void>> Session::poll_life() {
  dirty_.life = false;
  auto state = co_await queries_->broker_state();
  if (!state) co_return std::unexpected(state.error());
  found_ending_ = is_ending(*state);
  if (found_ending_) {
    // What it still says of itself is how it is taken apart, not what anybody should scale by.
    co_return fail(Code::unavailable, "the Flux instance at {} is ending (its broker is in state '{}')",
                   options_.socket_path, *state);
  }
  if (assign(draft_.broker_state, std::move(*state))) changed_ = true;
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Session::poll_layout() {
  dirty_.layout = false;
  // Without streams changes are seen late: begin anew where the broker lets us.
  if (!streams_->connected()) {
    co_return fail(Code::unavailable, "the broker at {} closed the connection of the streams",
                   options_.socket_path);
  }
  auto queues = co_await queries_->queues();
  if (!queues) co_return std::unexpected(queues.error());
  const bool same = std::ranges::equal(*queues, draft_.queues, [](const Queue& a, const Queue& b) {
    return a.name == b.name && a.admits == b.admits;
  });
  if (!same) {
    draft_.queues = std::move(*queues);
    dirty_.queues = changed_ = queues_changed_ = true;
  }
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Session::poll_stats() {
  auto stats = co_await queries_->job_stats();
  dirty_.stats = false;
  if (stats) {
    const bool moved = draft_.stats != *stats;
    take_stats(std::move(*stats));
    if (!moved && !dirty_.jobs && !dirty_.moves && (!journal_ || journal_ready_)) compare_with_stats();
  } else if (stats.error().errnum == EPERM) {
    hide_jobs();
  } else {
    co_return std::unexpected(stats.error());
  }
  if (!dirty_.queues) co_return Result<void>{};
  auto queues = draft_.queues;
  const auto has_scheduler = co_await queries_->queue_status(queues);
  if (!has_scheduler) co_return std::unexpected(has_scheduler.error());
  dirty_.queues = false;
  if (assign(draft_.has_scheduler, *has_scheduler)) {
    changed_ = true;
    scheduler_due_.cancel();
  }
  for (std::size_t i = 0; i < queues.size(); ++i) {
    if (queues[i].started != draft_.queues[i].started || queues[i].enabled != draft_.queues[i].enabled)
      changed_ = dirty_.life = true;
  }
  draft_.queues = std::move(queues);
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Session::poll_nodes() {
  dirty_.nodes = false;
  const auto began = MonoTime::clock::now();
  auto status = co_await queries_->resource_status();
  ran(nodes_budget_, began);
  if (!status) co_return std::unexpected(status.error());
  bool moved = assign(draft_.resources, std::move(status->resources));
  moved = assign(draft_.online, std::move(status->online)) || moved;
  const bool lost = draft_.offline != status->offline;
  moved = assign(draft_.offline, std::move(status->offline)) || moved;
  moved = assign(draft_.excluded, std::move(status->exclude)) || moved;
  moved = assign(draft_.torpid, std::move(status->torpid)) || moved;
  moved = assign(draft_.drains, std::move(status->drains)) || moved;
  if (moved) changed_ = dirty_.allocated = true;
  if (lost) dirty_.life = true;
  if (!lost) co_return Result<void>{};
  // An instance that found its resources by itself forgets a lost rank, but resource.status goes on listing
  // it.
  const auto kept = co_await queries_->schedulable_ranks();
  if (!kept) co_return std::unexpected(kept.error());
  auto removed = *kept ? draft_.offline - draft_.excluded - **kept : flux::IdSet{};
  if (assign(draft_.removed, std::move(removed))) changed_ = true;
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Session::poll_allocated() {
  dirty_.allocated = false;
  const auto began = MonoTime::clock::now();
  auto allocated = co_await queries_->allocated();
  ran(allocated_budget_, began);
  std::string unknown;
  if (!allocated) {
    if (!nobody_tells(allocated.error())) co_return std::unexpected(allocated.error());
    if (auto life = co_await poll_life(); !life) co_return life;
    unknown = fmt::format("nobody tells what is allocated on this Flux {} instance ({})", draft_.version,
                          allocated.error().message);
    allocated = flux::ResourceSet{};
  }
  if (bridge_.caught_up(began)) changed_ = true;
  if (assign(draft_.allocated_unknown, std::move(unknown))) changed_ = true;
  if (assign(draft_.allocated, std::move(*allocated))) changed_ = true;
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Session::poll_jobs() {
  if (!draft_.jobs_unknown.empty()) {
    dirty_.jobs = dirty_.moves = false;
    co_return Result<void>{};
  }
  if (!asks_for_changes()) co_return co_await poll_all_jobs();
  const bool came = std::exchange(dirty_.jobs, false);
  const bool moved = std::exchange(dirty_.moves, false);
  const auto began = MonoTime::clock::now();
  const auto& states = draft_.stats.all.states;
  Result<void> done;
  if (came && states.depend + states.priority > 0) done = co_await poll_changes(JobList::Kind::depending);
  if (done && came) done = co_await poll_changes(JobList::Kind::scheduled);
  if (done && moved) done = co_await poll_changes(JobList::Kind::started);
  if (done && moved) done = co_await poll_changes(JobList::Kind::ended);
  ran(changes_budget_, began);
  co_return done;
}

asio::awaitable<Result<void>> Session::poll_all_jobs() {
  const bool by_the_clock = prove_ && queries_->can_list_changes();
  dirty_.jobs = dirty_.moves = prove_ = false;
  const auto began = MonoTime::clock::now();
  const auto before = jobs_.version();
  const auto& counts = draft_.stats.all.states;
  jobs_.begin_full(static_cast<std::size_t>(std::max<std::int64_t>(0, counts.total - counts.inactive)));
  flux::JobListReader::Take take = [this](const flux::ListedJob& job) { jobs_.take(job); };
  JobList which;
  which.by_the_clock = by_the_clock;
  const auto latest = co_await queries_->list(which, std::move(take));
  if (!latest) co_return std::unexpected(latest.error());
  jobs_.end_full();
  if (journal_) {
    // The list may be older than what the journal told, so that is told again.
    jobs_.count_starts(nullptr, false);  // these were counted when they were told first
    for (const auto& [when, reply] : told_lately_)
      jobs_.apply(reply);
  }
  jobs_.count_starts(&observed_.waits, !journal_);
  proven_ = MonoTime::clock::now();
  ran(all_jobs_budget_, began);
  full_list_ = proven_ - began;
  log::debug("a full list of {} jobs took {:.1f} ms", jobs_.size(), full_list_.count() * 1e3);
  known_until_ = {.scheduled = *latest, .started = *latest, .ended = *latest};
  if (jobs_.version() != before) changed_ = true;
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Session::poll_changes(JobList::Kind kind) {
  double unused = 0;  // jobs in DEPEND and PRIORITY are told all, each time
  double* known = &unused;
  if (kind == JobList::Kind::scheduled) known = &known_until_.scheduled;
  if (kind == JobList::Kind::started) known = &known_until_.started;
  if (kind == JobList::Kind::ended) known = &known_until_.ended;
  const auto before = jobs_.version();
  flux::JobListReader::Take take = [this](const flux::ListedJob& job) { jobs_.take(job); };
  const JobList which{.kind = kind, .since = std::max(0.0, *known - broker_slack)};
  const auto latest = co_await queries_->list(which, std::move(take));
  if (!latest) co_return std::unexpected(latest.error());
  *known = std::max(*known, *latest);
  if (jobs_.version() != before) changed_ = true;
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Session::fetch_jobspecs() {
  auto wanted = jobs_.take_outdated();
  if (wanted.size() > jobspecs_at_once_) {
    jobs_.put_back_outdated(std::span(wanted).subspan(jobspecs_at_once_));
    wanted.resize(jobspecs_at_once_);
  }
  if (!journal_) {
    const auto unknown = jobs_.without_jobspec(jobspecs_at_once_ - wanted.size());
    wanted.insert(wanted.end(), unknown.begin(), unknown.end());
  }
  if (wanted.empty()) co_return Result<void>{};
  const auto began = MonoTime::clock::now();
  const auto jobspecs = co_await queries_->jobspecs(wanted);
  const bool slow = MonoTime::clock::now() - began > jobspecs_time;
  jobspecs_at_once_ = slow ? std::max(jobspecs_at_once_ / 2, std::size_t{1})
                           : std::min(jobspecs_at_once_ * 2, most_jobspecs_at_once);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto& jobspec = jobspecs[i];
    if (!jobspec && (jobspec.error().code == Code::unavailable || jobspec.error().code == Code::timed_out)) {
      co_return std::unexpected(jobspec.error());
    }
    // A job that is gone, or whose jobspec nobody tells: null is remembered as unreadable.
    jobs_.set_jobspec(wanted[i], jobspec ? *jobspec : boost::json::value{});
    changed_ = true;
  }
  ran(jobspec_budget_, began);
  co_return Result<void>{};
}

void Session::publish() {
  if (journal_ && !journal_ready_) return;  // half a backlog would be half a demand
  const auto now = MonoTime::clock::now();
  // A job that began while we asked holds something that we have not seen yet: look first, unless that would
  // go on and on.
  if (dirty_.allocated && allocated_budget_.may_run(now + look_first) && now - published_at_ < look_first)
    return;
  // What it is told first is all that some read.
  if (!scheduler_heard_ && now - began_ < scheduler_patience) return;
  published_at_ = now;
  if (changed_ || !published_) {
    // Jobs are by far the most: states between which none changed share them.
    if (jobs_.version() != written_version_ || queues_changed_) jobs_.write(draft_);
    written_version_ = jobs_.version();
    queues_changed_ = false;
    auto next = std::make_shared<InstanceState>(draft_);
    next->allocated = bridge_.over(draft_.allocated);
    next->waits = observed_.waits.read();
    if (!denied_.empty()) denied_.write(*next, Now::read().wall);
    published_ = std::move(next);
    changed_ = false;
  }
  delivered_ = true;
  if (sink_.rpc_times) sink_.rpc_times(observed_.rpc_times.read());
  sink_.state(published_, Now::read());
  if (sink_.effort) {
    // A full list that repeats itself is part of the cost.
    const double lists = asks_for_changes() ? full_list_ / Seconds(proof_every) : 0;
    sink_.effort({.share = queries_->meter().share(now) + lists,
                  .full_list = full_list_,
                  .jobs = jobs_.size(),
                  .journal = journal_});
  }
}

asio::awaitable<void> Session::wait() {
  const auto now = MonoTime::clock::now();
  auto due = std::min(probed_ + probe_every, laid_out_ + layout_every);
  if (dirty_.nodes) due = std::min<MonoTime>(due, nodes_budget_.next());
  if (dirty_.allocated) due = std::min<MonoTime>(due, allocated_budget_.next());
  if (dirty_.jobs || dirty_.moves) due = std::min<MonoTime>(due, jobs_budget().next());
  if (dirty_.denied) due = std::min<MonoTime>(due, denied_budget_.next());
  if (!journal_ && draft_.owner && jobs_.may_lack_jobspecs())
    due = std::min<MonoTime>(due, jobspec_budget_.next());
  if (changed_) due = now;
  wake_.expires_at(std::max(due, now + gather));
  co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
  // A stream may have woken us early: let the rest of its burst arrive.
  wake_.expires_after(gather);
  co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
}

void Session::wake() {
  wake_.cancel();
}

}  // namespace fluxmetrics::instance
