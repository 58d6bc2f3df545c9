#include "flux/message.hpp"

#include <bit>
#include <gtest/gtest.h>

#include "flux/captures.hpp"

namespace fluxmetrics::flux {
namespace {

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 3) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

std::span<const char> span_of(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

Message decoded(std::string_view bytes) {
  Decoder decoder;
  const auto fed = decoder.feed(span_of(bytes));
  EXPECT_TRUE(fed) << (fed ? "" : fed.error().message);
  auto message = decoder.next();
  EXPECT_TRUE(message.has_value());
  EXPECT_FALSE(decoder.next().has_value());
  return message.value_or(Message{});
}

// A body as the socket carries it: magic and length before it.
std::string framed(std::string_view body) {
  std::string out = from_hex("12 00 ee ff");
  for (const int shift : {24, 16, 8, 0})
    out.push_back(static_cast<char>((body.size() >> shift) & 0xffU));
  return out.append(body);
}

std::string proto(unsigned char type, unsigned char flags) {
  std::string out = from_hex("14 8e 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 07");
  out[3] = static_cast<char>(type);
  out[4] = static_cast<char>(flags);
  return out;
}

std::string error_of(std::string_view bytes, std::size_t cap = max_message_bytes) {
  Decoder decoder(cap);
  const auto fed = decoder.feed(span_of(bytes));
  EXPECT_FALSE(fed);
  if (fed) return "no error";
  EXPECT_EQ(fed.error().code, Code::protocol);
  EXPECT_FALSE(decoder.next().has_value());
  return fed.error().message;
}

// Every frame that was captured, byte by byte.
std::vector<std::pair<std::string, std::string>> golden_frames() {
  std::vector<std::pair<std::string, std::string>> frames;
  const auto cases = captures::read("protocol.cases.json");
  for (const auto& item : cases.as_array()) {
    for (const char* key : {"request_hex", "response_hex", "hex"}) {
      const auto* hex = item.as_object().if_contains(key);
      if (hex == nullptr) continue;
      frames.emplace_back(std::string(item.at("case").as_string()) + ": " + key, hex->as_string());
    }
  }
  const auto submit = captures::read("15-sizes.job-ingest.submit.ok.json");
  frames.emplace_back("submit request", submit.at("request_hex").as_string());
  frames.emplace_back("submit response", submit.at("response_hex").at(0).as_string());
  return frames;
}

TEST(Message, golden_frames_survive_decoding_and_encoding) {
  const auto frames = golden_frames();
  EXPECT_EQ(frames.size(), 10U);
  for (const auto& [name, hex] : frames) {
    const std::string bytes = from_hex(hex);
    EXPECT_EQ(encode(decoded(bytes)), bytes) << name;
  }
}

TEST(Message, golden_request) {
  const auto cases = captures::read("protocol.cases.json");
  const auto hex = cases.at(0).at("request_hex").as_string();
  EXPECT_EQ(encode(make_request("attr.get", R"({"name":"size"})", 1)), from_hex(hex));
  const Message with_delimiter = decoded(from_hex(cases.at(1).at("request_hex").as_string()));
  EXPECT_TRUE(with_delimiter.has(flag::route));
  EXPECT_TRUE(with_delimiter.routes.empty());
  EXPECT_EQ(with_delimiter.matchtag(), 2U);
  EXPECT_EQ(with_delimiter.nodeid(), nodeid_any);
}

TEST(Message, golden_response) {
  const auto cases = captures::read("protocol.cases.json");
  const Message response = decoded(from_hex(cases.at(0).at("response_hex").as_string()));
  EXPECT_EQ(response.type, MessageType::response);
  EXPECT_EQ(response.flags, flag::topic | flag::payload | flag::route);
  EXPECT_EQ(response.topic, "attr.get");
  EXPECT_EQ(response.payload, R"({"value":"6","flags":1})");
  EXPECT_EQ(response.errnum(), 0U);
  EXPECT_EQ(response.rolemask, 5U);
  EXPECT_EQ(response.userid, 0U);
}

TEST(Message, errors_carry_plain_text) {
  const auto cases = captures::read("protocol.cases.json");
  const Message response = decoded(from_hex(cases.at(7).at("response_hex").as_string()));
  EXPECT_EQ(response.errnum(), 38U);
  EXPECT_EQ(response.payload, "Unknown service method 'resource.nosuch'");
  EXPECT_EQ(response.matchtag(), 7U);
}

TEST(Message, events_carry_a_route) {
  const auto cases = captures::read("protocol.cases.json");
  const Message event = decoded(from_hex(cases.at(3).at("hex").as_string()));
  EXPECT_EQ(event.type, MessageType::event);
  EXPECT_EQ(event.routes, std::vector<std::string>{"72ac33cb-c045-48e4-80cc-30b961e4221d"});
  EXPECT_EQ(event.topic, "heartbeat.pulse");
  EXPECT_EQ(event.aux1, 0x293U);
  EXPECT_TRUE(event.payload.empty());
}

TEST(Message, length_does_not_count_its_own_eight_bytes) {
  const std::string bytes = encode(make_request("a", "", 1));
  EXPECT_EQ(bytes.size(), 8U + 2U + 21U);
  EXPECT_EQ(bytes.substr(4, 4), (std::string{0, 0, 0, 23}));
}

TEST(Decoder, takes_bytes_one_by_one_and_messages_many_at_once) {
  std::string bytes;
  std::vector<Message> sent;
  for (std::uint32_t tag = 1; tag <= 5; ++tag) {
    sent.push_back(make_request("topic" + std::to_string(tag), std::string(tag * 100, 'x'), tag));
    bytes += encode(sent.back());
  }
  for (const std::size_t slice : {std::size_t{1}, std::size_t{3}, std::size_t{7}, bytes.size()}) {
    Decoder decoder;
    std::vector<Message> received;
    for (std::size_t at = 0; at < bytes.size(); at += slice) {
      ASSERT_TRUE(decoder.feed(span_of(std::string_view(bytes).substr(at, slice))));
      while (auto message = decoder.next())
        received.push_back(*std::move(message));
    }
    EXPECT_EQ(received, sent) << "in slices of " << slice;
  }
}

TEST(Message, frames_around_255_bytes) {
  for (const std::size_t size : {0U, 1U, 252U, 253U, 254U, 255U, 256U, 257U, 65535U, 100000U}) {
    Message message = make_request(std::string(size, 't'), std::string(size, 'p'), 9);
    message.flags |= flag::payload | flag::route;
    if (size > 0) message.routes.emplace_back(size, 'r');
    EXPECT_EQ(decoded(encode(message)), message) << size;
  }
  // A payload of 254 bytes and its NUL are 255: the first size with a long head.
  EXPECT_EQ(encode(make_request("t", std::string(253, 'p'), 1)).size(), 8U + 2U + 255U + 21U);
  EXPECT_EQ(encode(make_request("t", std::string(254, 'p'), 1)).size(), 8U + 2U + 260U + 21U);
}

TEST(Message, a_payload_may_lack_its_nul) {
  Message message = make_request("t", "{}", 1);
  message.payload_terminated = false;
  const std::string bytes = encode(message);
  EXPECT_EQ(bytes.size(), 8U + 2U + 3U + 21U);
  const Message again = decoded(bytes);
  EXPECT_EQ(again, message);
  EXPECT_EQ(again.payload, "{}");
  EXPECT_FALSE(again.payload_terminated);
  // An empty payload frame, too, has no NUL.
  const Message empty = decoded(framed(std::string("\x01t", 2) + '\0' + proto(1, 3)));
  EXPECT_TRUE(empty.payload.empty());
  EXPECT_FALSE(empty.payload_terminated);
}

TEST(Message, control_messages_are_decoded) {
  const Message message = decoded(framed(proto(8, 0)));
  EXPECT_EQ(message.type, MessageType::control);
  EXPECT_TRUE(message.topic.empty());
}

TEST(Decoder, refuses_bad_magic_at_once) {
  EXPECT_NE(error_of("GET / HTTP/1.1\r\n").find("bad magic"), std::string::npos);
  EXPECT_NE(error_of(from_hex("ff ee 00 12")).find("bad magic"), std::string::npos);
  EXPECT_NE(error_of("\x13").find("bad magic"), std::string::npos);
}

TEST(Decoder, refuses_lengths_over_the_cap_before_the_bytes_come) {
  EXPECT_NE(error_of(from_hex("12 00 ee ff ff ff ff ff")).find("4294967295"), std::string::npos);
  EXPECT_NE(error_of(from_hex("12 00 ee ff 04 00 00 01")).find("67108865"), std::string::npos);
  EXPECT_NE(error_of(encode(make_request("t", "123456", 1)), 20).find("over the limit"), std::string::npos);
  Decoder decoder;
  EXPECT_TRUE(decoder.feed(span_of(from_hex("12 00 ee ff 04 00 00 00"))));  // the cap itself is fine
}

TEST(Decoder, takes_a_message_of_many_megabytes) {
  const Message message = make_request("kvs.put", std::string(8U << 20U, 'v'), 3);
  const std::string bytes = encode(message);
  Decoder decoder;
  for (std::size_t at = 0; at < bytes.size(); at += 65536) {
    ASSERT_TRUE(decoder.feed(span_of(std::string_view(bytes).substr(at, 65536))));
  }
  EXPECT_EQ(decoder.next(), message);
}

// A reply as a broker sends it: an empty route delimiter, topic, payload.
Message reply(std::string topic, std::string payload) {
  Message message = make_request(std::move(topic), std::move(payload), 9);
  message.type = MessageType::response;
  message.flags |= flag::route;
  message.aux1 = 0;
  return message;
}

TEST(Decoder, streams_a_large_payload_of_one_topic) {
  const std::string large(3U << 20U, 'j');
  const std::string bytes = encode(reply("list", large)) + encode(reply("list", "small")) +
                            encode(reply("other", large)) + encode(reply("list", large + "end"));
  for (const std::size_t slice : {1000U, 65536U, 10000000U}) {
    std::string got;
    std::size_t longest = 0;
    Decoder decoder;
    decoder.stream_payloads("list", [&](std::string_view piece) {
      got += piece;
      longest = std::max(longest, piece.size());
    });
    for (std::size_t at = 0; at < bytes.size(); at += slice)
      ASSERT_TRUE(decoder.feed(span_of(std::string_view(bytes).substr(at, slice))));
    // What comes in one piece is not worth streaming.
    const bool streams = slice < large.size();
    EXPECT_EQ(got.size(), streams ? 2 * large.size() + 3 : 0U) << slice;
    EXPECT_EQ(got.ends_with("end"), streams);
    if (streams) {
      EXPECT_LE(longest, slice) << "nothing is gathered";
    }
    for (const bool streamed : {streams, false, false, streams}) {
      const auto message = decoder.next();
      ASSERT_TRUE(message);
      EXPECT_EQ(message->payload_streamed, streamed);
      EXPECT_EQ(message->payload.empty(), streamed);
      EXPECT_EQ(message->matchtag(), 9U);
      EXPECT_TRUE(message->payload_terminated);
    }
    EXPECT_FALSE(decoder.next());
  }
}

TEST(Decoder, drops_the_rest_of_a_stream_that_nobody_wants_any_more) {
  const std::string bytes = encode(reply("list", std::string(1U << 20U, 'j'))) + encode(reply("list", "{}"));
  std::size_t got = 0;
  Decoder decoder;
  decoder.stream_payloads("list", [&](std::string_view piece) { got += piece.size(); });
  ASSERT_TRUE(decoder.feed(span_of(std::string_view(bytes).substr(0, 100000))));
  EXPECT_GT(got, 90000U);
  decoder.stream_payloads({}, {});
  ASSERT_TRUE(decoder.feed(span_of(std::string_view(bytes).substr(100000))));
  EXPECT_LT(got, 100000U);
  ASSERT_TRUE(decoder.next());
  EXPECT_EQ(decoder.next()->payload, "{}");
}

TEST(Decoder, refuses_a_streamed_message_whose_frames_do_not_agree) {
  std::string bytes = encode(reply("list", std::string(1U << 20U, 'j')));
  bytes[bytes.size() - 20] = 'x';  // the proto header's magic
  Decoder decoder;
  decoder.stream_payloads("list", [](std::string_view) {});
  ASSERT_TRUE(decoder.feed(span_of(std::string_view(bytes).substr(0, 100000))));
  EXPECT_FALSE(decoder.feed(span_of(std::string_view(bytes).substr(100000))));
}

TEST(Decoder, refuses_frames_that_do_not_fit) {
  EXPECT_NE(error_of(framed("")).find("too short"), std::string::npos);
  EXPECT_NE(error_of(framed(std::string(20, '\0'))).find("too short"), std::string::npos);
  // The topic says it has nine bytes, and the proto header is among them.
  EXPECT_NE(error_of(framed(std::string("\x09topic") + proto(1, 1))).find("agree"), std::string::npos);
  EXPECT_NE(error_of(framed(std::string("\x7ftopic") + proto(1, 1))).find("topic"), std::string::npos);
  EXPECT_NE(error_of(framed(std::string("\xff\x7f\xff\xff\xffx") + proto(1, 1))).find("topic"),
            std::string::npos);
  EXPECT_NE(error_of(framed(std::string("\x01t\x30{}") + proto(1, 3))).find("payload"), std::string::npos);
  EXPECT_NE(error_of(framed(std::string("\x01t") + proto(1, 0))).find("agree"), std::string::npos);
  EXPECT_NE(error_of(framed(std::string("\x01r") + proto(4, 8))).find("routes"), std::string::npos);
  std::string routes;
  for (int i = 0; i < 1000; ++i)
    routes += "\x01r";
  EXPECT_NE(error_of(framed(routes + '\0' + proto(4, 8))).find("routes"), std::string::npos);
}

TEST(Decoder, refuses_bad_proto_headers) {
  EXPECT_NE(error_of(framed(proto(3, 0))).find("type 3"), std::string::npos);
  EXPECT_NE(error_of(framed(proto(0, 0))).find("type 0"), std::string::npos);
  std::string magic = proto(1, 0);
  magic[1] = '\x8d';
  EXPECT_NE(error_of(framed(magic)).find("proto"), std::string::npos);
  std::string version = proto(1, 0);
  version[2] = '\x02';
  EXPECT_NE(error_of(framed(version)).find("proto"), std::string::npos);
}

TEST(Decoder, stays_broken_and_keeps_what_came_before) {
  Decoder decoder;
  const Message good = make_request("t", "{}", 1);
  EXPECT_FALSE(decoder.feed(span_of(encode(good) + "junk")));
  EXPECT_EQ(decoder.next(), good);
  EXPECT_FALSE(decoder.feed(span_of(encode(good))));
  EXPECT_FALSE(decoder.next().has_value());
}

}  // namespace
}  // namespace fluxmetrics::flux
