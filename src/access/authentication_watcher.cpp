#include "access/authentication_watcher.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.hpp"

namespace fluxmetrics::access {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr const char* list_path =
    "/api/v1/namespaces/kube-system/"
    "configmaps?fieldSelector=metadata.name%3Dextension-apiserver-authentication";
constexpr int watch_seconds = 120;       // the server ends a watch after so long
constexpr Seconds silence_allowed{150};  // a watch that is silent longer has lost its connection
constexpr Seconds first_retry{0.5};
constexpr Seconds longest_retry{5};
constexpr Seconds between_polls{5};  // where a watch is not allowed
constexpr Seconds between_looks{0.5};
constexpr Seconds moment{0.01};

asio::awaitable<void> wait_for(Seconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(std::chrono::duration_cast<MonoTime::duration>(time));
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

const json::object* child(const json::object& parent, std::string_view key) {
  const auto* value = parent.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

std::unexpected<Error> unreadable(const http::Fetched& answer) {
  if (answer.status == 401 || answer.status == 403) {
    return fail(
        Code::denied,
        "{}; bind the Role extension-apiserver-authentication-reader of the namespace kube-system to this "
        "server's user",
        kube::message_of(answer));
  }
  return fail(Code::unavailable, "{}", kube::message_of(answer));
}

}  // namespace

asio::awaitable<void> AuthenticationWatcher::run() {
  Seconds retry = first_retry;
  for (;;) {
    auto version = co_await list(Purpose::to_watch);
    if (!version) {
      tell(version.error().message);
      co_await wait_for(retry);
      retry = std::min(retry * 2, longest_retry);
      continue;
    }
    retry = first_retry;
    auto watched = co_await watch(std::move(*version));
    const bool poll = !watched && watched.error().code == Code::denied;
    if (!watched)
      log::debug("the watch of the ConfigMap {} ended: {}", authentication_config_map,
                 watched.error().message);
    co_await wait_for(poll ? between_polls : first_retry);
  }
}

asio::awaitable<Result<std::string>> AuthenticationWatcher::list(Purpose purpose) {
  looked_ = std::chrono::steady_clock::now();
  const int applied_before = applied_count_;
  ++looking_;
  kube::RestCall call{.path = list_path};
  const auto answer = co_await client_.call(std::move(call));
  --looking_;
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status != 200) co_return unreadable(*answer);
  json::error_code error;
  const auto body = json::parse(answer->body, error);
  const auto* found = error ? nullptr : body.if_object();
  const auto* items = found == nullptr ? nullptr : found->if_contains("items");
  if (items == nullptr || !items->is_array()) {
    co_return fail(Code::protocol, "the API server's answer is no list of ConfigMaps");
  }
  if (items->get_array().empty() || !items->get_array().front().is_object()) {
    co_return fail(Code::not_found, "it does not exist; kube-apiserver makes it");
  }
  // What the watch told meanwhile is newer than a look, and would not be told again.
  const bool overtaken = purpose == Purpose::to_look && applied_count_ != applied_before;
  if (!overtaken) apply(items->get_array().front().get_object());
  co_return kube::version_of(*found);
}

asio::awaitable<Result<void>> AuthenticationWatcher::watch(std::string version) {
  kube::RestCall call{
      .path = fmt::format("{}&watch=true&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}",
                          list_path, watch_seconds, version)};
  auto stream = co_await client_.stream(std::move(call));
  if (!stream) co_return std::unexpected(stream.error());
  if (stream->head().status != 200) {
    auto rest = co_await stream->next(silence_allowed);
    http::Fetched answer = stream->head();
    if (rest) answer.body = std::move(*rest);
    co_return unreadable(answer);
  }
  kube::EventReader events(std::move(*stream));
  for (;;) {
    auto event = co_await events.next(silence_allowed);
    if (!event) co_return std::unexpected(event.error());
    if (!*event) co_return Result<void>();
    take(**event);
  }
}

void AuthenticationWatcher::take(const kube::WatchEvent& event) {
  using enum kube::WatchEvent::Type;
  if (event.type == deleted) {
    log::warning("the ConfigMap {} was deleted; what it said before stays in use", authentication_config_map);
  }
  if (event.type == added || event.type == modified) apply(event.object);
}

void AuthenticationWatcher::apply(const json::object& config_map) {
  const auto* data = child(config_map, "data");
  const json::object empty;
  if (data == nullptr) data = &empty;
  auto text = json::serialize(*data);
  if (text == applied_ && state_.generation() != 0) {
    told_.clear();
    return;
  }
  auto config = parse_authentication_config(*data);
  if (!config) return tell(config.error().message);
  if (!config->request_header) {
    log::warning("the ConfigMap {} has no requestheader-client-ca-file: the aggregator cannot be recognised",
                 authentication_config_map);
  }
  told_.clear();
  applied_ = std::move(text);
  ++applied_count_;
  log::info("{} ConfigMap {}: client certificates {}, aggregator {}",
            state_.generation() == 0 ? "read the" : "read the changed", authentication_config_map,
            config->client_authority ? "accepted" : "not accepted",
            config->request_header ? "recognised" : "not recognised");
  state_.publish(std::move(*config));
}

// Once for each trouble.
void AuthenticationWatcher::tell(const std::string& trouble) {
  const auto sentence =
      fmt::format("the ConfigMap {} cannot be read: {}", authentication_config_map, trouble);
  state_.set_trouble(sentence);
  if (trouble == told_) return;
  told_ = trouble;
  log::warning(
      "{}; {}", sentence,
      state_.generation() == 0 ? "not ready until it can, trying again" : "what it said before stays in use");
}

asio::awaitable<void> AuthenticationWatcher::look_once() {
  const auto arrived = std::chrono::steady_clock::now();
  const Seconds too_early = between_looks - Seconds(arrived - looked_);
  if (too_early > Seconds(0)) co_await wait_for(too_early);
  while (looking_ > 0)
    co_await wait_for(moment);
  if (looked_ > arrived) co_return;
  auto version = co_await list(Purpose::to_look);
  if (!version) tell(version.error().message);
}

asio::awaitable<void> AuthenticationWatcher::look_again() {
  auto work = look_once();
  co_await asio::co_spawn(client_.executor(), std::move(work), asio::use_awaitable);
}

}  // namespace fluxmetrics::access
