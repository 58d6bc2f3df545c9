// What a client accepts of what a path offers: JSON (compact or pretty), YAML, protobuf, aggregated
// discovery.
#pragma once

#include <optional>
#include <string_view>

#include "http/message.hpp"
#include "kube/encoding.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::api {

// What a path can be answered with.
enum class Offer {
  metrics,     // JSON, YAML and protobuf
  discovery,   // the same; it differs in the words of its refusal
  group_list,  // and also all of discovery at once
  only_json,
};

struct Negotiated {
  kube::Form form = {};              // of errors too
  std::string_view aggregated = {};  // "v2" or "v2beta1" of APIGroupDiscoveryList, where that was asked for
  std::optional<kube::Status> refusal = {};  // 406
};

// Whether the User-Agent is one of people's tools, which the Go server answers with the pretty layout.
[[nodiscard]] bool prefers_pretty(const http::Headers& headers);
// By Accept (its first line), ?pretty and prefers_pretty(): nothing else of the request is looked at.
[[nodiscard]] Negotiated negotiate(const http::Headers& headers, const http::Target& target, Offer offer);

}  // namespace fluxmetrics::api
