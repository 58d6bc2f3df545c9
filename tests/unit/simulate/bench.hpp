// A simulated broker on the bench: requests go in by function call, virtual time moves when the test says so.
#pragma once

#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "simulate/job_request.hpp"
#include "simulate/services.hpp"

namespace fluxmetrics::simulate::test {

namespace json = boost::json;

inline constexpr std::uint32_t owner = 0;  // as in the captures

using Names = std::vector<std::string>;

inline ::testing::AssertionResult contains(const std::string& text, std::string_view part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "'" << part << "' is not in: " << text;
}

// What a client got.
class Inbox final : public Peer {
 public:
  void send(const flux::Message& message) override { messages.push_back(message); }
  std::vector<flux::Message> messages;
};

inline json::value capture(const std::string& name) {
  const std::string path = std::string(TEST_DATA) + "/flux-captures/" + name + ".json";
  std::ifstream file(path);
  if (!file) throw std::runtime_error("no capture " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return json::parse(text.str());
}

// The first reply of a capture.
inline json::value captured_reply(const std::string& name) {
  return capture(name).at("responses").at(0);
}

inline JobRequest nodes(std::uint32_t count, double duration = 0) {
  return {.nodes = count, .duration = duration};
}
inline JobRequest slots(std::uint32_t count, double duration = 0) {
  return {.slots = count, .duration = duration};
}

class Bench {
 public:
  static constexpr Time start = 1795319236.0;

  explicit Bench(Options options)
      : services_(std::move(options), {.userid = owner, .socket = "/run/flux/local", .start = start}) {}

  Instance& instance() { return services_.instance(); }
  Jobs& jobs() { return instance().jobs(); }
  void advance(double seconds) { instance().advance(instance().now() + seconds); }
  [[nodiscard]] Time now() { return instance().now(); }

  // Sends a request; its replies, also later ones, go to inbox() or to `peer`.
  std::uint32_t ask(const std::string& topic, const json::value& payload = nullptr, std::uint8_t flags = 0,
                    std::shared_ptr<Inbox> peer = nullptr, std::uint32_t rolemask = 0,
                    std::uint32_t nodeid = flux::nodeid_any) {
    flux::Message message = flux_request(topic, payload, ++tag_);
    message.flags |= flags;
    message.rolemask = rolemask;
    message.aux1 = nodeid;
    services_.handle(peer ? peer : inbox_, std::move(message));
    return tag_;
  }
  // Replies so far to the request with `tag`.
  std::vector<flux::Message> replies(std::uint32_t tag) const {
    std::vector<flux::Message> found;
    for (const flux::Message& message : inbox_->messages)
      if (message.type == flux::MessageType::response && message.aux2 == tag) found.push_back(message);
    return found;
  }
  // One request, one reply, at once, in the form of a capture: errnum, flags and payload, or errnum and
  // errtext.
  json::value call(const std::string& topic, const json::value& payload = nullptr, std::uint32_t rolemask = 0,
                   std::uint32_t nodeid = flux::nodeid_any) {
    const auto got = replies(ask(topic, payload, 0, nullptr, rolemask, nodeid));
    if (got.size() != 1) throw std::runtime_error(topic + " got " + std::to_string(got.size()) + " replies");
    return shown(got.front());
  }
  json::value payload(const std::string& topic, const json::value& request = nullptr) {
    return call(topic, request).at("payload");
  }
  static json::value shown(const flux::Message& reply) {
    if (reply.errnum() != 0)
      return json::object{
          {"errnum", reply.errnum()},
          {"errtext", reply.payload.empty() ? json::value(nullptr) : json::value(reply.payload)}};
    return json::object{
        {"errnum", 0},
        {"flags", reply.flags},
        {"payload", reply.payload.empty() ? json::value(nullptr) : json::parse(reply.payload)}};
  }

  flux::JobId submit(const json::object& jobspec, std::int64_t urgency = 16) {
    const auto id = jobs().submit(
        {.J = wrap_unsigned(owner, json::serialize(jobspec)), .urgency = urgency, .userid = owner});
    if (!id) throw std::runtime_error("refused: " + id.error().message);
    return *id;
  }
  flux::JobId submit(const JobRequest& request) { return submit(*make_jobspec(request), request.urgency); }
  flux::JobState state(flux::JobId id) { return jobs().find(id)->state; }
  Names event_names(flux::JobId id) {
    Names names;
    for (const flux::Event& event : jobs().find(id)->eventlog)
      names.push_back(event.name);
    return names;
  }

  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  Services services_;

 private:
  static flux::Message flux_request(const std::string& topic, const json::value& payload, std::uint32_t tag) {
    flux::Message message;
    message.flags = flux::flag::topic;
    if (!payload.is_null()) message.flags |= flux::flag::payload;
    message.topic = topic;
    message.aux2 = tag;
    if (!payload.is_null()) message.payload = json::serialize(payload);
    return message;
  }
  std::uint32_t tag_ = 0;
};

}  // namespace fluxmetrics::simulate::test
