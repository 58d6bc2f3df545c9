// What a client accepts: JSON, compact or pretty, or nothing that we have.
#pragma once

#include <optional>

#include "http/message.hpp"
#include "kube/json.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::api {

struct Negotiated {
  kube::Layout layout = kube::Layout::compact;
  std::optional<kube::Status> refusal;  // 406
};

// Whether the User-Agent is one of people's tools, which the Go server answers with the pretty layout.
[[nodiscard]] bool prefers_pretty(const http::Headers& headers);
// By Accept (its first line), ?pretty and prefers_pretty(): nothing else of the request is looked at.
[[nodiscard]] Negotiated negotiate(const http::Headers& headers, const http::Target& target);

}  // namespace fluxmetrics::api
