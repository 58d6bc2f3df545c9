#include "kube/event.hpp"

#include <utility>

#include <boost/json/serialize.hpp>

#include "http/message.hpp"

namespace fluxmetrics::kube {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::size_t longest_note = 1024;  // validation of events.k8s.io/v1

std::string events_path(const std::string& name_space) {
  return fmt::format("/apis/events.k8s.io/v1/namespaces/{}/events", http::percent_encoded(name_space));
}

// Cut between two characters of UTF-8.
std::string shortened(const std::string& text) {
  if (text.size() <= longest_note) return text;
  constexpr std::string_view more = "...";
  auto end = longest_note - more.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return text.substr(0, end).append(more);
}

json::object series_json(const EventSeries& series) {
  return {{"count", series.count}, {"lastObservedTime", format_micro_time(series.last)}};
}

MicroTime needed_time(const JsonField& field) {
  const auto time = read_micro_time(field);
  if (!time) field.refuse("is missing");
  return *time;
}

EventObject read_reference(const JsonField& field) {
  return {.api_version = field["apiVersion"].text_or(""),
          .kind = field["kind"].text_or(""),
          .name_space = field["namespace"].text_or(""),
          .name = field["name"].text_or(""),
          .uid = field["uid"].text_or("")};
}

json::object reference_json(const EventObject& reference) {
  json::object object;
  for (const auto& [key, value] :
       {std::pair("kind", &reference.kind), std::pair("namespace", &reference.name_space),
        std::pair("name", &reference.name), std::pair("uid", &reference.uid),
        std::pair("apiVersion", &reference.api_version)}) {
    if (!value->empty()) object[key] = *value;
  }
  return object;
}

asio::awaitable<Result<Event>> event_of(RestClient& client, RestCall call) {
  auto object = co_await client.object(std::move(call));
  if (!object) co_return std::unexpected(object.error());
  co_return read_event(json::value(std::move(*object)));
}

}  // namespace

std::string event_name(const std::string& object, MicroTime time) {
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch());
  return fmt::format("{}.{:x}", object, since.count());
}

Result<Event> read_event(const json::value& document) {
  return read_fields(document, "Event", [](const JsonField& root) {
    const auto metadata = root.need("metadata");
    Event event{.name_space = metadata["namespace"].text_or(""),
                .name = metadata.need("name").text(),
                .regarding = read_reference(root.need("regarding")),
                .type = root["type"].text_or(""),
                .reason = root["reason"].text_or(""),
                .action = root["action"].text_or(""),
                .note = root["note"].text_or(""),
                .controller = root["reportingController"].text_or(""),
                .instance = root["reportingInstance"].text_or(""),
                .time = needed_time(root["eventTime"])};
    if (const auto series = root["series"]; series.present()) {
      event.series =
          EventSeries{.count = series.need("count").int32(), .last = needed_time(series["lastObservedTime"])};
    }
    return event;
  });
}

json::object to_json(const Event& event) {
  json::object object = {{"kind", "Event"},
                         {"apiVersion", "events.k8s.io/v1"},
                         {"metadata", json::object{{"name", event.name}, {"namespace", event.name_space}}},
                         {"eventTime", format_micro_time(event.time)},
                         {"reportingController", event.controller},
                         {"reportingInstance", event.instance},
                         {"action", event.action},
                         {"reason", event.reason},
                         {"regarding", reference_json(event.regarding)},
                         {"note", shortened(event.note)},
                         {"type", event.type}};
  if (event.series) object["series"] = series_json(*event.series);
  return object;
}

asio::awaitable<Result<Event>> create_event(RestClient& client, Event event, Seconds timeout) {
  RestCall call{.method = "POST",
                .path = events_path(event.name_space),
                .body = json::serialize(to_json(event)),
                .timeout = timeout};
  return event_of(client, std::move(call));
}

asio::awaitable<Result<Event>> patch_series(RestClient& client, Event event, Seconds timeout) {
  const auto path = events_path(event.name_space) + "/" + http::percent_encoded(event.name);
  if (!event.series) {
    co_return fail(Code::invalid, "the Event {}/{} has no series to be written", event.name_space,
                   event.name);
  }
  RestCall call{.method = "PATCH",
                .path = path,
                .body = json::serialize(json::object{{"series", series_json(*event.series)}}),
                .media_type = media::merge_patch,
                .timeout = timeout};
  co_return co_await event_of(client, std::move(call));
}

}  // namespace fluxmetrics::kube
