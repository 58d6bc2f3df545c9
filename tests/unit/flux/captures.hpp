// Reads the captured exchanges of a real broker for tests.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

namespace fluxmetrics::flux::captures {

namespace json = boost::json;

inline std::filesystem::path directory() {
  return std::filesystem::path(TEST_DATA) / "flux-captures";
}

inline std::string read_text(const std::string& file) {
  std::ifstream in(directory() / file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read capture " + file);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline json::value read(const std::string& file) {
  return json::parse(read_text(file));
}

// All captures, INDEX.json aside, in order.
inline std::vector<std::string> files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory())) {
    const auto name = entry.path().filename().string();
    if (name.ends_with(".json") && name != "INDEX.json") names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

// The payload of the first response of `file`.
inline json::value payload(const std::string& file) {
  return read(file).at("responses").at(0).at("payload");
}

// One reply as captured: its topic (a timeline's stream name, made a topic) and its payload, which is an
// object.
struct Reply {
  std::string topic;
  json::value payload;
};

inline std::string topic_of_stream(std::string_view stream) {
  if (stream.starts_with("poll ")) stream.remove_prefix(5);
  if (stream == "job-stats") return "job-list.job-stats";
  if (stream == "events-journal") return "job-manager.events-journal";
  return std::string(stream);
}

inline void add_replies(std::vector<Reply>& replies, const std::string& topic, const json::object& exchange) {
  const auto* responses = exchange.if_contains("responses");
  if (responses == nullptr) return;
  for (const auto& response : responses->as_array()) {
    const auto* payload = response.as_object().if_contains("payload");
    if (payload != nullptr && payload->is_object()) replies.push_back({topic, *payload});
  }
}

// Every reply with a JSON object in `file`, whatever kind of file it is.
inline std::vector<Reply> replies(const std::string& file) {
  std::vector<Reply> found;
  const json::value whole = read(file);
  if (!whole.is_object()) return found;
  const auto& capture = whole.get_object();
  if (const auto* topic = capture.if_contains("topic"))
    add_replies(found, std::string(topic->as_string()), capture);
  if (const auto* calls = capture.if_contains("calls")) {
    for (const auto& call : calls->as_array()) {
      add_replies(found, std::string(call.at("topic").as_string()), call.as_object());
    }
  }
  if (const auto* messages = capture.if_contains("messages")) {
    for (const auto& message : messages->as_array()) {
      const auto& object = message.as_object();
      const auto* stream = object.if_contains("stream");
      const auto* payload = object.if_contains("payload");
      if (stream == nullptr || payload == nullptr || !payload->is_object()) continue;
      found.push_back({topic_of_stream(stream->as_string()), *payload});
    }
  }
  return found;
}

}  // namespace fluxmetrics::flux::captures
