// What happened to a job or to the resources: an entry of a journal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace fluxmetrics::flux {

class Fields;

// resource.journal and job-manager.events-journal entries (RFC 18).
struct Event {
  double timestamp = 0;
  std::string name;
  boost::json::object context;
  bool has_context = false;
  [[nodiscard]] static Result<Event> from_json(const boost::json::value& value);
  [[nodiscard]] boost::json::value to_json() const;
};

// The member `events` of a reply; none when it is absent. Errors: as Event::from_json().
[[nodiscard]] Result<std::vector<Event>> read_events(Fields& in);
[[nodiscard]] boost::json::array write_events(const std::vector<Event>& events);

}  // namespace fluxmetrics::flux
