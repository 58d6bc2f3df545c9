// A small HTTPS client for programs that wait for the answer (get, demo's autoscaler, tests).
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/message.hpp"

namespace fluxmetrics::http {

struct FetchOptions {
  std::string ca_file = {};  // PEM; empty = the system's
  Headers headers = {};
  Seconds timeout{5};  // for the whole exchange
  std::size_t max_body_bytes = 16U << 20U;
};

// GET `url` (http or https; the host name is verified). Blocks. Errors: Code::invalid for the URL,
// unavailable (refused, reset), denied (certificate not trusted, with the reason), timed_out.
[[nodiscard]] Result<Fetched> fetch(const std::string& url, const FetchOptions& options);

}  // namespace fluxmetrics::http
