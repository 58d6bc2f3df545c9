#include "kube/informer.hpp"

#include <set>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>

#include "base/json_members.hpp"
#include "base/log.hpp"
#include "base/rest.hpp"
#include "http/message.hpp"

namespace fluxmetrics::kube {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

// metadata.NAME of an object or a list; "" when it is no text.
std::string metadata_text(const json::object& object, std::string_view name) {
  return std::string(text_at(object_at(&object, "metadata"), name).value_or(""));
}

ObjectKey key_of(const json::object& object) {
  return {.name_space = metadata_text(object, "namespace"), .name = metadata_text(object, "name")};
}

}  // namespace

Error InformerHandler::refusal(const http::Fetched& answer) const {
  return {.code = code_of(answer.status), .message = message_of(answer)};
}

Informer::Informer(RestClient& client, InformerHandler& handler, InformerTimings timings, Clock clock,
                   Chance chance)
    : client_(client),
      handler_(handler),
      timings_(timings),
      clock_(std::move(clock)),
      pauses_(timings.pauses, std::move(chance)) {}

void Informer::follow(Collection collection) {
  if (collection == collection_) return;
  collection_ = std::move(collection);
  version_.clear();
}

asio::awaitable<void> Informer::run() {
  for (;;)
    co_await round();
}

asio::awaitable<void> Informer::round() {
  const bool lists = version_.empty();
  if (lists) {
    const auto listed = co_await list();
    if (!listed) {
      handler_.failed(listed.error());
      co_await rest_for(pauses_.next());
      co_return;
    }
  }
  const auto end = co_await watch();
  const auto code = end.why ? std::optional(end.why->code) : std::nullopt;
  if (end.why) log::debug("the watch of {} ended: {}", collection_.what, end.why->message);
  // An event that cannot be read is lost, and a watch that cannot begin is the list's to explain.
  const bool lost = code == Code::expired || code == Code::protocol || !end.began;
  if (lost) version_.clear();
  if (end.useful) pauses_.start_again();
  if (code == Code::denied && !end.began) {
    pauses_.start_again();
    co_await rest_for(timings_.between_lists);
  } else if (!end.useful && (lists || code != Code::expired)) {
    co_await rest_for(pauses_.next());
  }
}

RestCall Informer::call(const std::string& query, const std::string& accept) const {
  const char* separator = collection_.path.contains('?') ? "&" : "?";
  return {.path = collection_.path + separator + query, .headers = {{"Accept", accept}}};
}

asio::awaitable<Result<json::object>> Informer::page(std::string more, bool whole) {
  auto query = whole ? std::string("limit=0") : fmt::format("limit={}", timings_.page);
  if (!more.empty()) query += "&continue=" + http::percent_encoded(more);
  auto request = call(query, collection_.accept_list);
  const auto answer = co_await client_.call(std::move(request));
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status == 410) co_return fail(Code::expired, "{}", message_of(*answer));
  if (answer->status != 200) co_return std::unexpected(handler_.refusal(*answer));
  auto list = object_of(*answer, collection_.path);
  const auto* items = list ? list->if_contains("items") : nullptr;
  if (items == nullptr || !items->is_array()) {
    co_return fail(Code::protocol, "the API server's answer is not a list of {}", collection_.kind);
  }
  co_return list;
}

asio::awaitable<Result<void>> Informer::list() {
  synced_ = false;
  std::set<ObjectKey> found;
  std::string version;
  std::string more;
  bool whole = false;
  for (;;) {
    const auto got = co_await page(more, whole);
    if (!got && got.error().code == Code::expired && !more.empty()) {
      // The pages took longer than the server keeps the version of the first one.
      whole = true;
      more.clear();
      found.clear();
      continue;
    }
    if (!got) co_return std::unexpected(got.error());
    for (const auto& item : got->at("items").get_array()) {
      const auto* object = item.if_object();
      if (auto key = object == nullptr ? std::nullopt : take(*object)) found.insert(std::move(*key));
    }
    version = version_of(*got);
    more = metadata_text(*got, "continue");
    if (more.empty()) break;
  }
  std::vector<ObjectKey> gone;
  for (const auto& [key, uid] : known_) {
    if (!found.contains(key)) gone.push_back(key);
  }
  for (const auto& key : gone)
    forget(key);
  version_ = std::move(version);
  synced_ = true;
  handler_.synced();
  co_return Result<void>();
}

asio::awaitable<Informer::WatchEnd> Informer::watch() {
  WatchEnd end;
  const auto query =
      fmt::format("watch=true&allowWatchBookmarks=true&timeoutSeconds={:.0f}&resourceVersion={}",
                  timings_.watch.count(), http::percent_encoded(version_));
  auto request = call(query, collection_.accept_events);
  auto stream = co_await client_.stream(std::move(request));
  if (!stream) {
    end.why = stream.error();
    co_return end;
  }
  if (stream->head().status != 200) {
    auto rest = co_await stream->next(timings_.longest_silence);
    http::Fetched answer = stream->head();
    if (rest) answer.body = std::move(*rest);
    end.why = handler_.refusal(answer);
    if (answer.status == 410) end.why->code = Code::expired;
    co_return end;
  }
  end.began = true;
  const auto began = clock_().mono;
  EventReader events(std::move(*stream));
  for (;;) {
    const auto event = co_await events.next(timings_.longest_silence);
    if (!event) end.why = event.error();
    if (!event || !*event) break;
    end.useful = apply(**event) || end.useful;
  }
  end.useful = end.useful || clock_().mono - began >= timings_.pauses.first;
  co_return end;
}

// Whether the event told something.
bool Informer::apply(const WatchEvent& event) {
  if (auto version = version_of(event.object); !version.empty()) version_ = std::move(version);
  if (event.type == WatchEvent::Type::bookmark) return false;
  if (event.type == WatchEvent::Type::deleted) {
    forget(key_of(event.object));
  } else {
    take(event.object);
  }
  return true;
}

// nullopt for what has no name, and so is no object.
std::optional<ObjectKey> Informer::take(const json::object& object) {
  auto key = key_of(object);
  if (key.name.empty()) return std::nullopt;
  auto uid = metadata_text(object, "uid");
  const auto [place, added] = known_.try_emplace(key, uid);
  if (!added && place->second != uid) {
    place->second = std::move(uid);
    handler_.deleted(key);
  }
  handler_.changed(object);
  return key;
}

void Informer::forget(const ObjectKey& key) {
  if (known_.erase(key) > 0) handler_.deleted(key);
}

}  // namespace fluxmetrics::kube
