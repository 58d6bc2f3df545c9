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

// Accept (its first line), ?pretty and, as in the Go server, the User-Agent of people's tools.
[[nodiscard]] Negotiated negotiate(const http::Headers& headers, const http::Target& target);

}  // namespace fluxmetrics::api
