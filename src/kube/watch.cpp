#include "kube/watch.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "kube/answer.hpp"

namespace fluxmetrics::kube {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::size_t longest_event = 8U << 20U;

std::optional<WatchEvent::Type> event_type(std::string_view name) {
  using enum WatchEvent::Type;
  if (name == "ADDED") return added;
  if (name == "MODIFIED") return modified;
  if (name == "DELETED") return deleted;
  if (name == "BOOKMARK") return bookmark;
  return std::nullopt;
}

// Of the Status in an event of type ERROR.
std::unexpected<Error> error_in(const json::object& status) {
  const auto* code = status.if_contains("code");
  const auto* message = status.if_contains("message");
  const int number = code != nullptr && code->is_int64() ? static_cast<int>(code->get_int64()) : 500;
  return fail(code_of(number), "{} ({})",
              message != nullptr && message->is_string() ? std::string(message->get_string())
                                                         : json::serialize(status),
              number);
}

}  // namespace

Result<WatchEvent> parse_event(std::string_view line) {
  json::error_code error;
  auto body = json::parse(line, error);
  auto* event = error ? nullptr : body.if_object();
  const auto* name = event == nullptr ? nullptr : event->if_contains("type");
  auto* object = event == nullptr ? nullptr : event->if_contains("object");
  if (name == nullptr || !name->is_string() || object == nullptr || !object->is_object()) {
    return fail(Code::protocol, "a line of the watch is not an event");
  }
  if (name->get_string() == "ERROR") return error_in(object->get_object());
  const auto type = event_type(name->get_string());
  if (!type) return fail(Code::protocol, "the watch has an event of an unknown type");
  return WatchEvent{.type = *type, .object = std::move(object->get_object())};
}

asio::awaitable<Result<std::optional<WatchEvent>>> EventReader::next(Seconds silence_allowed) {
  for (;;) {
    const auto end = bytes_.find('\n', searched_);
    if (end == std::string::npos) {
      searched_ = bytes_.size();
      if (searched_ > longest_event) co_return fail(Code::protocol, "the watch has an event without an end");
      auto piece = co_await stream_.next(silence_allowed);
      if (!piece) {
        auto trouble = piece.error();
        // In the middle of a response: what has come of it is whole events and can be relied on.
        if (trouble.code == Code::protocol) trouble.code = Code::unavailable;
        co_return std::unexpected(std::move(trouble));
      }
      if (piece->empty()) co_return std::nullopt;
      bytes_ += *piece;
      continue;
    }
    const auto line = bytes_.substr(0, end);
    bytes_.erase(0, end + 1);
    searched_ = 0;
    if (line.empty()) continue;
    auto event = parse_event(line);
    if (!event) co_return std::unexpected(event.error());
    co_return std::move(*event);
  }
}

std::string version_of(const json::object& object) {
  const auto* metadata = object.if_contains("metadata");
  const auto* fields = metadata == nullptr ? nullptr : metadata->if_object();
  const auto* version = fields == nullptr ? nullptr : fields->if_contains("resourceVersion");
  return version != nullptr && version->is_string() ? std::string(version->get_string()) : std::string();
}

}  // namespace fluxmetrics::kube
