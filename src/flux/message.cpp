#include "flux/message.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace fluxmetrics::flux {
namespace {

constexpr std::uint32_t stream_magic = 0xffee0012U;  // in host order
constexpr std::size_t head_bytes = 8;                // magic and length
constexpr std::uint8_t proto_magic = 0x8e;
constexpr std::uint8_t proto_version = 1;
constexpr std::size_t proto_bytes = 20;
constexpr std::uint8_t long_frame = 0xff;  // announces a four-byte length
constexpr std::size_t max_routes = 256;    // far more than a tree of brokers is deep

std::array<char, 4> magic_bytes() {
  return std::bit_cast<std::array<char, 4>>(stream_magic);
}

void put_u32(std::string& out, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0})
    out.push_back(static_cast<char>((value >> shift) & 0xffU));
}

std::uint32_t get_u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = (value << 8U) | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

std::size_t frame_bytes(std::size_t size) {
  return size + (size < long_frame ? 1 : 5);
}

void put_frame_size(std::string& out, std::size_t size) {
  if (size < long_frame) {
    out.push_back(static_cast<char>(size));
  } else {
    out.push_back(static_cast<char>(long_frame));
    put_u32(out, static_cast<std::uint32_t>(size));
  }
}

void put_frame(std::string& out, std::string_view data) {
  put_frame_size(out, data.size());
  out.append(data);
}

// Takes the first frame off `rest`; nullopt when it does not fit.
std::optional<std::string_view> take_frame(std::string_view& rest) {
  if (rest.empty()) return std::nullopt;
  std::size_t size = static_cast<std::uint8_t>(rest.front());
  std::size_t head = 1;
  if (size == long_frame) {
    head = 5;
    if (rest.size() < head) return std::nullopt;
    size = get_u32(rest.substr(1));
  }
  if (rest.size() - head < size) return std::nullopt;
  const std::string_view data = rest.substr(head, size);
  rest.remove_prefix(head + size);
  return data;
}

std::unexpected<Error> broken(std::string_view what) {
  return fail(Code::protocol, "the peer does not speak Flux's protocol: {}", what);
}

// The proto header is the last frame, but its flags say what stands before it.
Result<Message> parse_proto(std::string_view proto) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(proto[at]); };
  if (byte(0) != proto_magic || byte(1) != proto_version) return broken("bad proto header");
  const auto type = byte(2);
  if (type != 1 && type != 2 && type != 4 && type != 8) return broken(fmt::format("message type {}", type));
  Message message;
  message.type = static_cast<MessageType>(type);
  message.flags = byte(3);
  message.userid = get_u32(proto.substr(4));
  message.rolemask = get_u32(proto.substr(8));
  message.aux1 = get_u32(proto.substr(12));
  message.aux2 = get_u32(proto.substr(16));
  return message;
}

// Routes up to the empty delimiter. False when there is none, or far too many.
bool take_routes(std::string_view& rest, std::vector<std::string>& routes) {
  for (;;) {
    const auto frame = take_frame(rest);
    if (!frame || routes.size() > max_routes) return false;
    if (frame->empty()) return true;
    routes.emplace_back(*frame);
  }
}

Result<Message> parse_body(std::string_view body) {
  if (body.size() < frame_bytes(proto_bytes)) return broken("a message is too short");
  auto message = parse_proto(body.substr(body.size() - proto_bytes));
  if (!message) return message;
  std::string_view rest = body;
  if (message->has(flag::route) && !take_routes(rest, message->routes)) return broken("no end of the routes");
  if (message->has(flag::topic)) {
    const auto topic = take_frame(rest);
    if (!topic) return broken("the topic does not fit");
    message->topic = *topic;
  }
  if (message->has(flag::payload)) {
    const auto payload = take_frame(rest);
    if (!payload) return broken("the payload does not fit");
    message->payload_terminated = payload->ends_with('\0');
    message->payload = payload->substr(0, payload->size() - (message->payload_terminated ? 1 : 0));
  }
  const auto proto = take_frame(rest);
  if (!proto || proto->size() != proto_bytes || !rest.empty()) return broken("frames and flags do not agree");
  return message;
}

}  // namespace

Message make_request(std::string topic, std::string payload, std::uint32_t matchtag) {
  Message message;
  message.flags = flag::topic;
  if (!payload.empty()) message.flags |= flag::payload;
  message.aux2 = matchtag;
  message.topic = std::move(topic);
  message.payload = std::move(payload);
  return message;
}

std::string encode(const Message& message) {
  std::size_t size = frame_bytes(proto_bytes);
  const std::size_t payload_size = message.payload.size() + (message.payload_terminated ? 1 : 0);
  if (message.has(flag::route)) {
    for (const auto& route : message.routes)
      size += frame_bytes(route.size());
    size += frame_bytes(0);
  }
  if (message.has(flag::topic)) size += frame_bytes(message.topic.size());
  if (message.has(flag::payload)) size += frame_bytes(payload_size);

  std::string out;
  out.reserve(head_bytes + size);
  const auto magic = magic_bytes();
  out.append(magic.data(), magic.size());
  put_u32(out, static_cast<std::uint32_t>(size));
  if (message.has(flag::route)) {
    for (const auto& route : message.routes)
      put_frame(out, route);
    put_frame(out, {});
  }
  if (message.has(flag::topic)) put_frame(out, message.topic);
  if (message.has(flag::payload)) {
    put_frame_size(out, payload_size);
    out.append(message.payload);
    if (message.payload_terminated) out.push_back('\0');
  }
  put_frame_size(out, proto_bytes);
  out.push_back(static_cast<char>(proto_magic));
  out.push_back(static_cast<char>(proto_version));
  out.push_back(static_cast<char>(message.type));
  out.push_back(static_cast<char>(message.flags));
  for (const auto word : {message.userid, message.rolemask, message.aux1, message.aux2})
    put_u32(out, word);
  return out;
}

Result<void> Decoder::feed(std::span<const char> bytes) {
  if (broken_) return std::unexpected(*broken_);
  buffer_.append(bytes.data(), bytes.size());
  std::string_view rest = buffer_;
  auto parsed = parse(rest);
  if (!parsed) {
    broken_ = parsed.error();
    buffer_ = {};
    return parsed;
  }
  buffer_.erase(0, buffer_.size() - rest.size());
  constexpr std::size_t large = 1U << 20U;
  const std::size_t missing = std::exchange(missing_, 0);
  if (missing > large) {
    // Room for a large message is made once: growing in steps would hold it twice, again and again. A peer
    // that only announces one costs nothing, as nobody touches the pages.
    buffer_.reserve(buffer_.size() + missing);
  } else if (buffer_.capacity() > large && buffer_.size() + missing < large / 2) {
    buffer_.shrink_to_fit();  // a rare huge message must not hold its memory for ever
  }
  return {};
}

void Decoder::stream_payloads(std::string topic, PayloadSink sink) {
  stream_topic_ = std::move(topic);
  sink_ = std::move(sink);
}

bool Decoder::begin_streaming(std::string_view& body, std::size_t size) {
  if (!sink_ || size <= stream_from) return false;
  // The flags that tell routes from topics come last; the topic is known by its name.
  std::string_view rest = body;
  for (std::size_t frames = 0; frames < max_routes; ++frames) {
    const auto frame = take_frame(rest);
    if (!frame) return false;
    if (*frame != stream_topic_) continue;
    constexpr std::size_t long_head = 5;
    if (rest.size() < long_head || static_cast<std::uint8_t>(rest.front()) != long_frame) return false;
    const std::size_t before = body.size() - rest.size();
    const std::size_t payload = get_u32(rest.substr(1));
    // Anything else that stands around the payload is no message of Flux: let parse_body() say so.
    if (payload == 0 || before + long_head + payload + frame_bytes(proto_bytes) != size) return false;
    streamed_ = {.before = std::string(body.substr(0, before)), .payload_left = payload, .terminated = false};
    body.remove_prefix(before + long_head);
    return true;
  }
  return false;
}

Result<void> Decoder::go_on_streaming(std::string_view& rest) {
  Streamed& at = *streamed_;
  if (at.payload_left > 0) {
    auto piece = rest.substr(0, at.payload_left);
    rest.remove_prefix(piece.size());
    at.payload_left -= piece.size();
    if (at.payload_left == 0 && piece.ends_with('\0')) {
      at.terminated = true;
      piece.remove_suffix(1);
    }
    if (sink_ && !piece.empty()) sink_(piece);
  }
  if (at.payload_left > 0 || rest.size() < frame_bytes(proto_bytes)) return {};
  // What is left is a message with an empty payload.
  std::string body = std::exchange(at.before, {});
  put_frame_size(body, 0);
  body.append(rest.substr(0, frame_bytes(proto_bytes)));
  auto message = parse_body(body);
  if (!message) return std::unexpected(message.error());
  message->payload_terminated = at.terminated;
  message->payload_streamed = true;
  ready_.push_back(*std::move(message));
  rest.remove_prefix(frame_bytes(proto_bytes));
  streamed_.reset();
  return {};
}

Result<void> Decoder::parse(std::string_view& rest) {
  const auto magic = magic_bytes();
  const std::string_view expected(magic.data(), magic.size());
  for (;;) {
    if (streamed_) {
      if (auto went_on = go_on_streaming(rest); !went_on) return went_on;
      if (streamed_) return {};
    }
    if (!expected.starts_with(rest.substr(0, expected.size()))) return broken("bad magic");
    if (rest.size() < head_bytes) return {};
    const std::size_t size = get_u32(rest.substr(4));
    if (size > max_bytes_) {
      return broken(fmt::format("a message of {} bytes is over the limit of {}", size, max_bytes_));
    }
    if (rest.size() - head_bytes < size) {
      std::string_view body = rest.substr(head_bytes);
      if (!begin_streaming(body, size)) {
        missing_ = head_bytes + size - rest.size();
        return {};
      }
      rest = body;
      continue;
    }
    auto message = parse_body(rest.substr(head_bytes, size));
    if (!message) return std::unexpected(message.error());
    ready_.push_back(*std::move(message));
    rest.remove_prefix(head_bytes + size);
  }
}

std::optional<Message> Decoder::next() {
  if (ready_.empty()) return std::nullopt;
  std::optional<Message> message(std::move(ready_.front()));
  ready_.pop_front();
  return message;
}

}  // namespace fluxmetrics::flux
