// The RFC 3 message and its framing on the local socket. Field meanings: RFC 3; the length word does not
// count its own eight bytes (the broker's code, not the RFC's text).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fluxmetrics::flux {

inline constexpr std::uint32_t nodeid_any = 0xffffffffU;
inline constexpr std::uint32_t userid_unset = 0xffffffffU;
inline constexpr std::size_t max_message_bytes = 64U << 20U;

enum class MessageType : std::uint8_t { request = 1, response = 2, event = 4, control = 8 };

namespace flag {
inline constexpr std::uint8_t topic = 1, payload = 2, noresponse = 4, route = 8, upstream = 0x10,
                              private_ = 0x20, streaming = 0x40, user1 = 0x80;
}

struct Message {
  MessageType type = MessageType::request;
  std::uint8_t flags =
      0;  // topic, payload and route bits must agree with the fields below; encode() does not add them
  std::uint32_t userid = userid_unset;
  std::uint32_t rolemask = 0;
  std::uint32_t aux1 = nodeid_any;  // request: nodeid; response: errnum; event: sequence
  std::uint32_t aux2 = 0;           // matchtag
  std::vector<std::string> routes;  // without the empty delimiter
  std::string topic;
  std::string payload;             // without the NUL that closes it on the wire
  bool payload_terminated = true;  // false: the peer sent no NUL
  bool payload_streamed = false;   // the payload went to a PayloadSink, in pieces

  [[nodiscard]] bool has(std::uint8_t bit) const { return (flags & bit) != 0; }
  [[nodiscard]] std::uint32_t nodeid() const { return aux1; }
  [[nodiscard]] std::uint32_t errnum() const { return aux1; }
  [[nodiscard]] std::uint32_t matchtag() const { return aux2; }
  bool operator==(const Message&) const = default;
};

// A request with TOPIC and PAYLOAD set (no PAYLOAD when `payload` is empty).
[[nodiscard]] Message make_request(std::string topic, std::string payload, std::uint32_t matchtag);

// The whole message as it goes over the socket: magic, length, frames.
[[nodiscard]] std::string encode(const Message& message);

// Takes a large payload piece by piece, so that nobody ever holds all of it.
using PayloadSink = std::function<void(std::string_view piece)>;

// Turns a byte stream into messages; takes bytes as they come, in any slices.
class Decoder {
 public:
  explicit Decoder(std::size_t max_bytes = max_message_bytes) : max_bytes_(max_bytes) {}
  // Adds `bytes`; finished messages wait in next(). Errors: Code::protocol on bad magic, a length over the
  // cap, frames that do not fit, bad proto header; the stream is then unusable.
  [[nodiscard]] Result<void> feed(std::span<const char> bytes);
  [[nodiscard]] std::optional<Message> next();

  // From now on a payload of `topic` that has more than `stream_from` bytes goes to `sink` as it comes; its
  // message then arrives without it. An empty sink ends that: the rest of a payload in flight is dropped.
  static constexpr std::size_t stream_from = 64U << 10U;
  void stream_payloads(std::string topic, PayloadSink sink);

 private:
  // A message whose payload is being streamed: what stood before the payload, and what is still to come.
  struct Streamed {
    std::string before;
    std::size_t payload_left = 0;
    bool terminated = false;
  };
  // Takes whole messages off `rest`.
  Result<void> parse(std::string_view& rest);
  // Whether the message whose body begins `body` streams; it then stands in streamed_.
  bool begin_streaming(std::string_view& body, std::size_t size);
  // Takes a piece of the streamed message off `rest`; the message is ready when its end has come.
  Result<void> go_on_streaming(std::string_view& rest);

  std::size_t max_bytes_;
  std::string stream_topic_;
  PayloadSink sink_;
  std::optional<Streamed> streamed_;
  std::string buffer_;
  std::size_t missing_ = 0;  // of the message under way, as the last parse() saw it
  std::optional<Error> broken_;
  std::deque<Message> ready_;
};

}  // namespace fluxmetrics::flux
