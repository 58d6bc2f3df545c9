#include "commands/plan_record.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "commands/common_options.hpp"
#include "commands/output.hpp"
#include "flux/blocking_client.hpp"
#include "flux/job_list.hpp"
#include "flux/replies.hpp"
#include "plan/job_history.hpp"
#include "server/broker.hpp"

namespace fluxmetrics::commands {
namespace {

namespace json = boost::json;

constexpr double overlap = 2;  // seconds: job-list learns of an end a little after it
constexpr std::chrono::seconds list_patience{30};

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stdout) (void)std::fclose(file);
  }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// Errors: a file that is there already: a trace cannot be continued, as its times begin at 0.
Result<File> open_trace(const std::string& path) {
  if (path == "-") return File(stdout);
  File file(std::fopen(path.c_str(), "wx"));
  if (file) return file;
  const int why = errno;
  if (why == EEXIST)
    return fail_errno(Code::invalid, why, "{} is {}, and a trace cannot be continued: name another file",
                      path, std::filesystem::is_directory(path) ? "a directory" : "there already");
  return fail_errno(Code::io, why, "cannot write {}: {}", path, std::generic_category().message(why));
}

double wall_clock() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Known forms of job-list's questions: with a constraint since 0.53, and what came before; each ignores the
// other's.
std::string list_request(std::uint32_t states, double since) {
  constexpr std::uint32_t everybody = 0xffffffff;
  return json::serialize(
      json::object{{"max_entries", 0},
                   {"attrs", json::array{"state", "t_submit", "t_run", "t_cleanup", "t_inactive", "nnodes",
                                         "ncores", "duration", "queue", "priority"}},
                   {"constraint", json::object{{"states", json::array{states}}}},
                   {"userid", everybody},
                   {"states", states},
                   {"results", 0},
                   {"since", since}});
}

std::optional<std::uint32_t> count_from(const std::optional<std::int64_t>& number) {
  if (!number || *number < 1 || *number > (1 << 20)) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

plan::JobHistory history_of(const flux::ListedJob& job) {
  return {.submit = job.t_submit.value_or(0),
          .run = job.t_run.value_or(0),
          .end = job.t_cleanup.value_or(job.t_inactive.value_or(0)),
          .limit = job.duration.value_or(0),
          .held = job.priority.value_or(1) == 0,
          .nodes = count_from(job.nnodes),
          .cores = count_from(job.ncores),
          .tasks = 1,
          .queue = std::string(job.queue)};
}

class Recording {
 public:
  Recording(flux::BlockingClient& client, std::FILE* file, const RecordOptions& options)
      : client_(client), file_(file), options_(options) {}

  // Until the time, the number of jobs or a signal ends it. Errors: the broker went, or the file took no
  // more.
  Result<void> run(const sigset_t& signals) {
    begin_ = now();
    since_ = begin_ - overlap;
    const auto started = std::chrono::steady_clock::now();
    const auto over = [&] {
      const Seconds passed = std::chrono::steady_clock::now() - started;
      return (options_.duration && passed >= *options_.duration) ||
             (options_.jobs > 0 && counts_.ended >= options_.jobs);
    };
    while (!over()) {
      if (auto done = look(); !done) return done;
      if (over()) break;
      if (pause(signals, started)) break;
    }
    return end();
  }

  // "12 jobs ended; ...; 3 changes of nodes", and how long it took.
  [[nodiscard]] std::string summary() const {
    auto text = counts_.sentence();
    if (changes_ > 0)
      text += fmt::format("; {} of nodes", changes_ == 1 ? "1 change" : fmt::format("{} changes", changes_));
    return text;
  }

 private:
  // A simulated instance has a clock of its own, that may run faster than ours.
  double now() {
    if (!own_clock_) return wall_clock();
    const auto reply = client_.rpc("simulate.clock", json::object());
    const auto* object = reply ? reply->if_object() : nullptr;
    const auto* time = object == nullptr ? nullptr : object->if_contains("now");
    own_clock_ = time != nullptr && time->is_number();
    return own_clock_ ? time->to_number<double>() : wall_clock();
  }

  // Sleeps until the next look; true when somebody asked this program to end meanwhile.
  [[nodiscard]] bool pause(const sigset_t& signals, std::chrono::steady_clock::time_point started) const {
    double seconds = std::max(options_.interval.count(), 0.01);
    if (options_.duration) {
      const Seconds passed = std::chrono::steady_clock::now() - started;
      seconds = std::clamp((*options_.duration - passed).count(), 0.0, seconds);
    }
    const auto whole = static_cast<std::time_t>(seconds);
    const timespec time{.tv_sec = whole,
                        .tv_nsec = static_cast<long>((seconds - static_cast<double>(whole)) * 1e9)};
    return sigtimedwait(&signals, nullptr, &time) > 0;
  }

  Result<void> list(std::uint32_t states, double since, flux::JobListReader::Take take) {
    flux::JobListReader reader(std::move(take));
    flux::PayloadSink sink = [&](std::string_view piece) { reader.feed(piece); };
    flux::RpcOptions options;
    options.deadline = list_patience;
    auto call =
        client_.client()->rpc_to(std::move(sink), "job-list.list", list_request(states, since), options);
    if (auto done = client_.wait_for(std::move(call)); !done) return done;
    return reader.finish();
  }

  Result<void> look() {
    double latest = since_;
    auto told =
        list(static_cast<std::uint32_t>(flux::JobState::inactive), since_, [&](const flux::ListedJob& job) {
          latest = std::max(latest, job.t_inactive.value_or(0) - overlap);
          if (options_.jobs > 0 && counts_.ended >= options_.jobs) return;
          if (known_.insert(job.id).second) write(history_of(job), begin_);
        });
    if (!told) return told;
    since_ = latest;
    if (auto seen = look_at_nodes(); !seen) return seen;
    return flush();
  }

  // The ranks that came and went, and the drains.
  Result<void> look_at_nodes() {
    const auto reply = client_.rpc("resource.status", json::object());
    if (!reply) return std::unexpected(reply.error());
    const auto status = flux::ResourceStatus::from_json(*reply);
    if (!status) return std::unexpected(status.error());
    flux::IdSet drained;
    for (const auto& drain : status->drains)
      drained |= drain.ranks;
    if (seen_nodes_) {
      const double t = std::max(0.0, now() - begin_);
      note(t, "online", status->online - online_);
      note(t, "offline", online_ - status->online);
      note(t, "drained", drained - drained_);
      note(t, "undrained", drained_ - drained);
    }
    seen_nodes_ = true;
    online_ = status->online;
    drained_ = drained;
    return {};
  }

  void note(double t, std::string_view event, const flux::IdSet& ranks) {
    if (ranks.empty()) return;
    ++changes_;
    fmt::print(file_, "{}\n", simulate::trace_event_line(t, event, ranks.to_string()));
  }

  void write(const plan::JobHistory& job, double now) {
    if (const auto trace = plan::trace_of(job, begin_, now, counts_))
      fmt::print(file_, "{}\n", simulate::trace_line(*trace));
  }

  Result<void> flush() const {
    if (file_ == stdout) {
      flush_output();
      return {};
    }
    if (std::fflush(file_) == 0) return {};
    return fail(Code::io, "the trace cannot be written: is the disk full?");
  }

  // What still waits and runs belongs to the workload as well. A job that ends between the two lists is in
  // both.
  Result<void> end() {
    std::vector<std::pair<flux::JobId, plan::JobHistory>> active;
    auto told = list(flux::states_active, 0,
                     [&](const flux::ListedJob& job) { active.emplace_back(job.id, history_of(job)); });
    if (!told) return told;
    const double last = now();
    if (auto done = look(); !done) return done;
    for (const auto& [id, job] : active) {
      if (!known_.contains(id)) write(job, last);
    }
    return flush();
  }

  flux::BlockingClient& client_;
  std::FILE* file_;
  const RecordOptions& options_;
  bool own_clock_ = true;
  double begin_ = 0;
  double since_ = 0;
  std::unordered_set<flux::JobId> known_;  // jobs that were written
  plan::HistoryCounts counts_;
  bool seen_nodes_ = false;
  flux::IdSet online_;
  flux::IdSet drained_;
  std::uint64_t changes_ = 0;
};

}  // namespace

void add_plan_record(Command& plan) {
  auto options = std::make_shared<RecordOptions>();
  auto& o = *options;
  auto command = plan.add_command("record", "Record the jobs of a running instance as a trace");
  command.footer(
      "Example:\n"
      "  flux-metrics-api plan record day.jsonl --duration 24h\n"
      "  flux-metrics-api plan --trace day.jsonl --max 64\n"
      "Jobs that still run or wait at the end are recorded too, as docs/plan.md describes.");
  command.option("file", o.out, "A new file for the trace [standard output]");
  add_flux_uri(command, o.flux_uri);
  command.bare_duration("--duration", o.duration, "How long to record [until a signal comes]");
  command.whole("--jobs", o.jobs, "Stop when this many jobs have ended", 1);
  command.duration("--interval", o.interval, "Time between two queries", shortest);
  command.runs([options] { return run_plan_record(*options); });
}

int run_plan_record(const RecordOptions& options) {
  const auto broker = server::find_broker(options.flux_uri);
  if (!broker) return ends_with(exit_misused, broker.error());
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const auto client = server::connect_to(*broker);
  if (!client) return ends_with(exit_failed, client.error());
  const auto file = open_trace(options.out);
  if (!file) return ends_with(exit_misused, file.error());
  log::info("recording; end it with Ctrl-C");
  Recording recording(**client, file->get(), options);
  const auto done = recording.run(signals);
  log::info("{}", recording.summary());
  if (done) return exit_fine;
  log::error("the recording ends early: {}", done.error().message);
  return exit_failed;
}

}  // namespace fluxmetrics::commands
