#include "flux/event.hpp"

#include <utility>

#include "flux/fields.hpp"

namespace fluxmetrics::flux {
namespace json = boost::json;

Result<Event> Event::from_json(const json::value& value) {
  Fields in(value, "event");
  Event event;
  event.timestamp = in.number("timestamp").value_or(0);
  auto name = in.text("name");
  if (const auto* context = in.object("context")) {
    event.context = *context;
    event.has_context = true;
  }
  if (!in.ok()) return in.error();
  if (!name) return fail(Code::protocol, "event: name is missing");
  event.name = *std::move(name);
  return event;
}

json::value Event::to_json() const {
  json::object out{{"timestamp", timestamp}, {"name", name}};
  if (has_context) out["context"] = context;
  return out;
}

Result<std::vector<Event>> read_events(Fields& in) {
  std::vector<Event> events;
  if (const auto* items = in.array("events")) {
    for (const auto& item : *items) {
      auto event = Event::from_json(item);
      if (!event) return std::unexpected(event.error());
      events.push_back(*std::move(event));
    }
  }
  return events;
}

json::array write_events(const std::vector<Event>& events) {
  json::array out;
  for (const Event& event : events)
    out.push_back(event.to_json());
  return out;
}

}  // namespace fluxmetrics::flux
