// events.k8s.io/v1 Event: what `kubectl get events` and `kubectl describe` show of an object.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "kube/micro_time.hpp"
#include "kube/rest_client.hpp"

namespace fluxmetrics::kube {

// Which object something happened to; by the uid, `kubectl describe` finds it.
struct EventObject {
  std::string api_version = {};
  std::string kind = {};
  std::string name_space = {};
  std::string name = {};
  std::string uid = {};
  [[nodiscard]] bool operator==(const EventObject&) const = default;
};

// The same thing happened again.
struct EventSeries {
  std::int32_t count = 2;  // times in all; an API server takes no less than 2
  MicroTime last;
  [[nodiscard]] bool operator==(const EventSeries&) const = default;
};

struct Event {
  std::string name_space = {};  // of the object, or "default" for one outside of namespaces
  std::string name = {};        // event_name()
  EventObject regarding = {};
  std::string type = "Normal";  // or "Warning"
  std::string reason = {};      // one word, why: "ScaledUp"
  std::string action = {};      // one word, what was done: "Scale"
  std::string note = {};        // a sentence
  std::string controller = {};  // who reports, as flux-framework.org/autoscaler
  std::string instance = {};    // which of its replicas
  MicroTime time = {};          // of the first time
  std::optional<EventSeries> series = {};
  [[nodiscard]] bool operator==(const Event&) const = default;
};

// As client-go names them: the object's name and the time in hexadecimal nanoseconds.
[[nodiscard]] std::string event_name(const std::string& object, MicroTime time);

// Errors: Code::protocol, with the field that is wrong.
[[nodiscard]] Result<Event> read_event(const boost::json::value& document);
// The whole object, for POST. A note of more than the 1,024 bytes that an API server takes ends in "...".
[[nodiscard]] boost::json::object to_json(const Event& event);

// Both go out again after an answer such as 503: an event that is made already (Code::conflict) is there.
// Errors: as RestClient::object(), read_event().
boost::asio::awaitable<Result<Event>> create_event(RestClient& client, Event event, Seconds timeout);
// Writes the event's series, by a merge patch. Code::not_found: the event has expired (after an hour,
// mostly), make a new one.
boost::asio::awaitable<Result<Event>> patch_series(RestClient& client, Event event, Seconds timeout);

}  // namespace fluxmetrics::kube
