// What a session learns about the scheduler, and about the jobs that it denied.
#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "instance/scheduler_findings.hpp"
#include "instance/session.hpp"

namespace fluxmetrics::instance {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

// Four questions of 1 ms. A scheduler that is loaded anew, with other options too, is noticed within this
// time.
constexpr auto ask_scheduler_every = 15s;
constexpr double denied_slack = 1;  // seconds that two jobs may end in the wrong order
constexpr std::size_t jobspecs_of_denied = 16;

}  // namespace

asio::awaitable<void> Session::watch_scheduler(std::shared_ptr<Session> self) {
  while (!self->ended_) {
    co_await self->learn_scheduler();
    if (self->ended_) break;
    self->scheduler_due_.expires_after(ask_scheduler_every);
    co_await self->scheduler_due_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<void> Session::learn_scheduler() {
  auto scheduler = co_await contact_.queries().scheduler();
  if (scheduler) {
    take_scheduler(*std::move(scheduler));
  } else if (!ended_) {
    log::debug("the scheduler does not report its settings: {}", printable(scheduler.error().message));
    // What is known stays: a scheduler that is busy is still the same one.
    if (draft_.scheduler.kind == Scheduler::Kind::unknown || !scheduler_heard_) {
      Scheduler silent;
      silent.unknown = scheduler.error().message;
      take_scheduler(std::move(silent));
    }
  }
  std::optional<MatchStats> stats;
  if (draft_.owner && draft_.scheduler.kind == Scheduler::Kind::fluxion) {
    const auto told = co_await contact_.queries().match_stats();
    if (told) stats = *told;
  }
  if (draft_.match_stats == stats) co_return;
  draft_.match_stats = stats;
  wake();
}

void Session::take_scheduler(Scheduler scheduler) {
  const bool first = !std::exchange(scheduler_heard_, true);
  const bool another = draft_.scheduler != scheduler;
  draft_.scheduler = std::move(scheduler);
  tell_scheduler(draft_.scheduler);
  if (first || another) wake();
}

void Session::tell_scheduler(const Scheduler& scheduler) {
  if (scheduler_told_ == scheduler) return;
  scheduler_told_ = scheduler;
  log::info("scheduler: {}", describe(scheduler));
  for (const auto& finding : scheduler_findings(scheduler)) {
    std::istringstream lines(text_of(finding));
    for (std::string line; std::getline(lines, line);)
      log::warning("scheduler: {}", line);
  }
}

Task<void> Session::poll_denied() {
  dirty_.denied = false;
  if (draft_.stats.all.failed == 0 || !draft_.jobs_unknown.empty()) co_return Result<void>{};
  const auto began = now();
  const double since = denied_known_until_ > 0
                           ? denied_known_until_ - denied_slack
                           : to_unix(options_.clock().wall) - DeniedJobs::first_look.count();
  auto asking = contact_.queries().list_as_json(DeniedJobs::list_request(since));
  const auto reply = co_await std::move(asking);
  ran(denied_budget_, began);
  if (!reply) {
    if (reply.error().code == Code::unavailable || reply.error().code == Code::timed_out)
      co_return std::unexpected(reply.error());
    draft_.denied_unknown = fmt::format("this Flux {} does not list the jobs that failed ({})",
                                        draft_.version, reply.error().message);
    co_return Result<void>{};
  }
  const auto latest = denied_.take(*reply);
  if (!latest) co_return std::unexpected(latest.error());
  denied_known_until_ = std::max({denied_known_until_, since + denied_slack, *latest});
  const auto unread = draft_.owner ? denied_.without_jobspec(jobspecs_of_denied) : std::vector<flux::JobId>();
  for (const auto id : unread) {
    const auto jobspec = co_await contact_.queries().ended_jobspec(id);
    if (!jobspec && (jobspec.error().code == Code::unavailable || jobspec.error().code == Code::timed_out))
      co_return std::unexpected(jobspec.error());
    denied_.set_jobspec(id, jobspec ? *jobspec : boost::json::value{});
  }
  co_return Result<void>{};
}

}  // namespace fluxmetrics::instance
