#include "kube/pod_watcher.hpp"

#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "base/log.hpp"
#include "http/message.hpp"

namespace fluxmetrics::kube {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr int pods_at_once = 500;        // of a list
constexpr int watch_seconds = 300;       // the server ends a watch after so long
constexpr Seconds longest_silence{330};  // a watch that is silent longer has lost its connection
constexpr Seconds first_pause{0.5};
constexpr Seconds longest_pause{5};
constexpr Seconds between_lists{5};  // where a watch is not allowed
constexpr Seconds before_name{0.2};  // the broker answers soon

// Names and labels are all that is wanted; a server that cannot leave the rest away sends it.
constexpr const char* lists_of_metadata =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
constexpr const char* events_of_metadata =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

asio::awaitable<void> rest_for(Seconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(std::chrono::duration_cast<MonoTime::duration>(time));
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

// metadata.continue of a list: there is more of it.
std::string continuation_of(const json::object& list) {
  const auto* metadata = list.if_contains("metadata");
  const auto* fields = metadata == nullptr ? nullptr : metadata->if_object();
  const auto* more = fields == nullptr ? nullptr : fields->if_contains("continue");
  return more != nullptr && more->is_string() ? std::string(more->get_string()) : std::string();
}

}  // namespace

RestCall PodWatcher::call(const std::string& job, const std::string& query) const {
  return {.path =
              fmt::format("/api/v1/namespaces/{}/pods?labelSelector={}{}", http::percent_encoded(namespace_),
                          http::percent_encoded("batch.kubernetes.io/job-name=" + job), query)};
}

Error PodWatcher::trouble_of(const http::Fetched& answer) const {
  if (answer.status != 401 && answer.status != 403) {
    return {.code = Code::unavailable, .message = message_of(answer)};
  }
  return {.code = Code::denied,
          .message = fmt::format("this server may not list pods: {}; give it a Role in the namespace {} with "
                                 "apiGroups [\"\"], resources [pods], verbs [get, list, watch]",
                                 message_of(answer), namespace_)};
}

asio::awaitable<void> PodWatcher::run() {
  Seconds pause = first_pause;
  for (;;) {
    const auto job = job_();
    if (job.empty()) {
      co_await rest_for(before_name);
      continue;
    }
    auto version = co_await list(job);
    if (!version) {
      tell(version.error());
      co_await rest_for(pause);
      pause = std::min(pause * 2, longest_pause);
      continue;
    }
    pause = first_pause;
    auto watched = co_await watch(job, std::move(*version));
    const bool poll = !watched && watched.error().code == Code::denied;
    if (!watched) log::debug("the watch of the pods of {} ended: {}", job, watched.error().message);
    co_await rest_for(poll ? between_lists : first_pause);
  }
}

asio::awaitable<Result<std::string>> PodWatcher::list(std::string job) {
  PodsByName found;
  std::string version;
  std::string more;
  do {
    auto query = fmt::format("&limit={}", pods_at_once);
    if (!more.empty()) query += "&continue=" + http::percent_encoded(more);
    auto request = call(job, query);
    request.headers.emplace_back("Accept", lists_of_metadata);
    const auto answer = co_await client_.call(std::move(request));
    if (!answer) co_return std::unexpected(answer.error());
    if (answer->status != 200) co_return std::unexpected(trouble_of(*answer));
    json::error_code error;
    const auto body = json::parse(answer->body, error);
    const auto* page = error ? nullptr : body.if_object();
    const auto* items = page == nullptr ? nullptr : page->if_contains("items");
    if (items == nullptr || !items->is_array()) {
      co_return fail(Code::protocol, "the API server's answer is no list of pods");
    }
    for (const auto& item : items->get_array()) {
      auto pod = item.is_object() ? pod_from_json(item.get_object()) : std::nullopt;
      if (!pod) continue;
      const auto name = pod->name;
      found.insert_or_assign(name, std::make_shared<const Pod>(std::move(*pod)));
    }
    version = version_of(*page);
    more = continuation_of(*page);
  } while (!more.empty());
  pods_ = std::move(found);
  if (!told_.empty()) log::info("the pods of {} are known: {}", job, pods_.size());
  told_.clear();
  store_.publish(pods_by_index(pods_));
  co_return version;
}

asio::awaitable<Result<void>> PodWatcher::watch(std::string job, std::string version) {
  auto request =
      call(job, fmt::format("&watch=true&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}",
                            watch_seconds, http::percent_encoded(version)));
  request.headers.emplace_back("Accept", events_of_metadata);
  auto stream = co_await client_.stream(std::move(request));
  if (!stream) co_return std::unexpected(stream.error());
  if (stream->head().status != 200) {
    auto rest = co_await stream->next(longest_silence);
    http::Fetched answer = stream->head();
    if (rest) answer.body = std::move(*rest);
    co_return std::unexpected(trouble_of(answer));
  }
  EventReader events(std::move(*stream));
  for (;;) {
    auto event = co_await events.next(longest_silence);
    if (!event) co_return std::unexpected(event.error());
    if (!*event) co_return Result<void>();
    apply(**event);
  }
}

void PodWatcher::apply(const WatchEvent& event) {
  if (event.type == WatchEvent::Type::bookmark) return;
  auto pod = pod_from_json(event.object);
  if (!pod) return;
  const auto known = pods_.find(pod->name);
  if (event.type == WatchEvent::Type::deleted) {
    pods_.erase(pod->name);
  } else {
    // Most events tell of a pod's status, which nobody here asks for.
    if (known != pods_.end() && *known->second == *pod) return;
    const auto name = pod->name;
    pods_.insert_or_assign(name, std::make_shared<const Pod>(std::move(*pod)));
  }
  store_.publish(pods_by_index(pods_));
}

// Once for each trouble.
void PodWatcher::tell(const Error& trouble) {
  store_.set_trouble(trouble);
  if (trouble.message == told_) return;
  told_ = trouble.message;
  // Whoever wants no metrics of pods gives no right to list them.
  log::write(trouble.code == Code::denied ? log::Level::info : log::Level::warning,
             fmt::format("there are no metrics of pods: {}", trouble.message));
}

}  // namespace fluxmetrics::kube
