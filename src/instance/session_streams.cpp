// What a session is told without asking: which streams it opens, and what each reply means.
#include <cerrno>
#include <charconv>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "flux/stream_reply.hpp"
#include "instance/session.hpp"

namespace fluxmetrics::instance {
namespace asio = boost::asio;
namespace {

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

Task<void> Session::open_streams() {
  if (auto stats = co_await contact_.streams().stream("job-list.job-stats", "{}"); stats) {
    follow(follow_stats(shared_from_this(), std::move(*stats)), "job-list.job-stats");
  }
  if (draft_.owner) co_return co_await open_journals();
  co_await open_groups();
  co_return Result<void>{};
}

asio::awaitable<void> Session::open_groups() {
  for (const char* const request : {R"({"name":"broker.online"})", R"({"name":"broker.torpid"})"}) {
    if (auto members = co_await contact_.streams().stream("groups.get", request)) {
      follow(follow_nodes(shared_from_this(), std::move(*members), false), "groups.get");
    }
  }
}

Task<void> Session::open_journals() {
  if (auto nodes = co_await contact_.streams().stream("resource.journal", "{}"); nodes) {
    follow(follow_nodes(shared_from_this(), std::move(*nodes), true), "resource.journal");
  }
  // Before 0.61 the journal tells neither jobspecs nor where its backlog ends.
  if (version_before(draft_.version, 61)) co_return Result<void>{};
  const auto active = co_await contact_.queries().active_jobs();
  if (!active || *active > journal_limit) co_return Result<void>{};
  if (auto journal = co_await contact_.streams().stream("job-manager.events-journal", "{}"); journal) {
    journal_.begin(now());
    job_polls_.replaced(now());  // the journal's backlog is the first full list
    follow(follow_journal(shared_from_this(), std::move(*journal)), "job-manager.events-journal");
  }
  co_return Result<void>{};
}

void Session::follow(asio::awaitable<void> reader, std::string topic) {
  const auto ended = [self = shared_from_this(), topic](const std::exception_ptr& fault) {
    if (!fault) return;
    self->tell_end(topic, {.code = Code::internal, .message = "internal error"});
    if (topic == "job-manager.events-journal") self->journal_.end();
    self->wake();
  };
  asio::co_spawn(wake_.get_executor(), std::move(reader), ended);
}

void Session::tell_end(std::string_view topic, const Error& why) const {
  if (ended_) return;
  // Older versions lack some streams, and guests may not open all.
  const auto level = nobody_tells(why) ? log::Level::debug : log::Level::warning;
  log::write(level, fmt::format("the stream {} of the broker at {} ended: {}", topic, contact_.socket_path(),
                                why.message));
}

asio::awaitable<void> Session::follow_stats(std::shared_ptr<Session> self,
                                            std::unique_ptr<flux::Stream> stream) {
  for (;;) {
    auto stats = co_await flux::next_reply<flux::JobStats>(*stream, "job-list.job-stats");
    if (!stats) co_return self->tell_end("job-list.job-stats", stats.error());
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
  self->tell_end(is_journal ? "resource.journal" : "groups.get", why);
  if (!is_journal) co_return;
  if (why.errnum == ENOSYS) co_await self->open_groups();  // before 0.72
  self->dirty_.life = true;                                // it also ends when the instance does
  self->wake();
}

asio::awaitable<void> Session::follow_journal(std::shared_ptr<Session> self,
                                              std::unique_ptr<flux::Stream> stream) {
  constexpr std::string_view topic = "job-manager.events-journal";
  Error why;
  for (;;) {
    const auto reply = co_await flux::next_reply<flux::JournalReply>(*stream, topic);
    if (!reply) why = reply.error();
    if (!reply) break;
    if (!self->journal_.keeps_jobs()) co_return;  // its backlog had no end
    const auto news = self->journal_.take(*reply, self->now());
    self->dirty_.allocated = self->dirty_.allocated || news.allocated;
    self->dirty_.life = self->dirty_.life || news.life;
    if (news.now) self->wake();
    if (self->jobs_.size() >= flux::max_listed_jobs) {
      why = {.code = Code::protocol,
             .message = fmt::format("it reports more than {} active jobs", flux::max_listed_jobs)};
      break;
    }
  }
  self->tell_end(topic, why);
  self->journal_.end();
  self->dirty_.life = true;  // most likely because the instance ends
  self->wake();
}

}  // namespace fluxmetrics::instance
