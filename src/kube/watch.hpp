// The events of a watch, one by one, as they come off a response that goes on.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/pooled_client.hpp"

namespace fluxmetrics::kube {

struct WatchEvent {
  enum class Type { added, modified, deleted, bookmark };
  Type type = Type::bookmark;
  boost::json::object object;
};

// {"type":"MODIFIED","object":{...}}. Errors: Code::protocol; for an event of type ERROR what code_of() makes
// of its Status: Code::expired for a version that is too old.
[[nodiscard]] Result<WatchEvent> parse_event(std::string_view line);

class EventReader {
 public:
  // `stream`: an answer with status 200.
  explicit EventReader(http::ResponseStream stream) : stream_(std::move(stream)) {}
  // nullopt at the end. Errors: as parse_event(); Code::protocol for an event of more than 8 MB;
  // Code::unavailable when the connection breaks, Code::timed_out when nothing came within `silence_allowed`.
  boost::asio::awaitable<Result<std::optional<WatchEvent>>> next(Seconds silence_allowed);

 private:
  http::ResponseStream stream_;
  std::string bytes_;         // came and not read yet
  std::size_t searched_ = 0;  // of these, without a line's end
};

// metadata.resourceVersion of a list or an object; "" when it has none.
[[nodiscard]] std::string version_of(const boost::json::object& object);

}  // namespace fluxmetrics::kube
