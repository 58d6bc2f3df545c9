// How a server listens, and what it allows its clients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "http/tls.hpp"

namespace fluxmetrics::http {

struct ServerOptions {
  std::string host = "0.0.0.0";  // an address or a name
  std::uint16_t port = 8443;     // 0 = any free port
  ServingCertificate certificate = {};
  std::size_t max_header_bytes = 64U << 10U;  // of one head
  // Of all that was read and is not yet a request, and of the bodies that are kept; beyond it clients with
  // large heads or bodies are turned away. One connection has no more kept than two whole bodies.
  std::size_t max_unread_bytes = 48U << 20U;
  std::size_t max_body_bytes = 3U << 20U;  // read, and dropped but for what the handler keeps
  Seconds header_timeout{32};              // for a TLS hello and for a whole request head
  Seconds answer_timeout{60};              // for a handler that waits
  // For a client to take a piece of a body that comes in pieces, and over HTTP/2 any 64 KiB.
  Seconds piece_timeout{10};
  Seconds idle_timeout{90};            // between requests
  std::size_t max_connections = 4096;  // fewer where this process may not open so many files
  Seconds shutdown_delay{0};  // after SIGTERM: time to leave a Service's endpoints before listening ends
};

}  // namespace fluxmetrics::http
