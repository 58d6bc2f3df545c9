// What a session is told without asking: which streams it opens, and what each reply means.
#include <cerrno>
#include <charconv>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "instance/session.hpp"

namespace fluxmetrics::instance {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr auto list_lag = 2s;                  // job-list is never so far behind the journal
constexpr std::uint64_t journal_limit = 2000;  // the journal's backlog stalls the job manager: 0.1 ms a job

// Whether a broker of `version` ("0.60.0", "0.88.0-59-g4a5e79f") is older than 0.`minor`; one that is no such
// version counts as new.
bool version_before(std::string_view version, std::uint32_t minor) {
  constexpr std::string_view major = "0.";
  if (!version.starts_with(major)) return false;
  version.remove_prefix(major.size());
  std::uint32_t own = 0;
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), own);
  return error == std::errc{} && own < minor;
}

}  // namespace

asio::awaitable<Result<void>> Session::open_streams() {
  const auto owner = co_await queries_->owner();
  if (!owner) co_return std::unexpected(owner.error());
  draft_.owner = *owner;
  log::info("connected to Flux {} at {}: size {}, as {}", draft_.version, options_.socket_path, draft_.size,
            draft_.owner ? "owner" : "guest");

  if (auto stats = co_await streams_->stream("job-list.job-stats", "{}"); stats) {
    asio::co_spawn(wake_.get_executor(), follow_stats(shared_from_this(), std::move(*stats)), asio::detached);
  }
  if (draft_.owner) co_return co_await open_journals();
  co_await open_groups();
  co_return Result<void>{};
}

asio::awaitable<void> Session::open_groups() {
  for (const char* const request : {R"({"name":"broker.online"})", R"({"name":"broker.torpid"})"}) {
    if (auto members = co_await streams_->stream("groups.get", request)) {
      asio::co_spawn(wake_.get_executor(), follow_nodes(shared_from_this(), std::move(*members), false),
                     asio::detached);
    }
  }
}

asio::awaitable<Result<void>> Session::open_journals() {
  const auto executor = wake_.get_executor();
  if (auto nodes = co_await streams_->stream("resource.journal", "{}"); nodes) {
    asio::co_spawn(executor, follow_nodes(shared_from_this(), std::move(*nodes), true), asio::detached);
  }
  // Before 0.61 the journal tells neither jobspecs nor where its backlog ends.
  if (version_before(draft_.version, 61)) co_return Result<void>{};
  const auto active = co_await queries_->active_jobs();
  if (!active || *active > journal_limit) co_return Result<void>{};
  if (auto journal = co_await streams_->stream("job-manager.events-journal", "{}"); journal) {
    journal_ = true;
    dirty_.jobs = false;  // the journal's backlog is the first full list
    proven_ = MonoTime::clock::now();
    asio::co_spawn(executor, follow_journal(shared_from_this(), std::move(*journal)), asio::detached);
  }
  co_return Result<void>{};
}

asio::awaitable<void> Session::follow_stats(std::shared_ptr<Session> self,
                                            std::unique_ptr<flux::Stream> stream) {
  for (;;) {
    const auto text = co_await stream->next();
    if (!text) break;  // the polls go on, and find out why
    const auto json = flux::parse_payload("job-list.job-stats", *text);
    auto stats = json ? flux::JobStats::from_json(*json) : std::unexpected(json.error());
    if (!stats) break;
    self->take_stats(std::move(*stats));
    self->wake();
  }
}

asio::awaitable<void> Session::follow_nodes(std::shared_ptr<Session> self,
                                            std::unique_ptr<flux::Stream> stream, bool is_journal) {
  Error why;
  for (;;) {
    const auto text = co_await stream->next();
    if (!text) why = text.error();
    if (!text) break;
    self->dirty_.nodes = true;
    self->wake();
  }
  if (!is_journal) co_return;
  if (why.errnum == ENOSYS) co_await self->open_groups();  // before 0.72
  self->dirty_.life = true;                                // it also ends when the instance does
  self->wake();
}

asio::awaitable<void> Session::follow_journal(std::shared_ptr<Session> self,
                                              std::unique_ptr<flux::Stream> stream) {
  for (;;) {
    const auto text = co_await stream->next();
    if (!text) break;
    const auto json = flux::parse_payload("job-manager.events-journal", *text);
    const auto reply = json ? flux::JournalReply::from_json(*json) : std::unexpected(json.error());
    if (!reply) break;
    self->take_journal(*reply);
  }
  self->journal_ended_ = true;
  self->dirty_.life = true;  // most likely because the instance ends
  self->wake();
}

void Session::take_journal(const flux::JournalReply& reply) {
  if (reply.id < 0) {
    journal_ready_ = true;
    wake();
    return;
  }
  if (journal_ready_) {
    const auto now = MonoTime::clock::now();
    while (!told_lately_.empty() && told_lately_.front().first < now - list_lag)
      told_lately_.pop_front();
    told_lately_.emplace_back(now, reply);
    bridge_allocations(reply);
  }
  const auto before = jobs_.version();
  jobs_.apply(reply);
  if (jobs_.version() == before) return;
  changed_ = true;
  for (const auto& event : reply.events) {
    if (event.name == "alloc" || event.name == "free") dirty_.allocated = true;
    if (event.name == "exception") dirty_.life = true;
  }
  if (journal_ready_) wake();
}

// A job that began after the last look at what is allocated must not wait for the next one to be seen there:
// a node that looks idle may be taken away.
void Session::bridge_allocations(const flux::JournalReply& reply) {
  for (const auto& event : reply.events) {
    if (event.name == "free") bridge_.freed(reply.id);
    if (event.name != "alloc" || !reply.R) continue;
    if (auto R = flux::ResourceSet::from_json(*reply.R)) {
      bridge_.allocated(reply.id, std::move(*R), MonoTime::clock::now());
    }
  }
}

}  // namespace fluxmetrics::instance
