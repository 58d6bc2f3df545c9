// TLS between two byte strings: what came from the peer goes in, what is for the peer comes out. No sockets
// here.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/tls_context.hpp"

namespace fluxmetrics::http {

class TlsEngine {
 public:
  // A server's end, or (with the name it must be valid for: a DNS name or an address) a client's.
  [[nodiscard]] static TlsEngine server(const TlsContext& context);
  [[nodiscard]] static TlsEngine client(const TlsContext& context, const std::string& host);

  enum class Progress { done, needs_input, closed, failed };

  [[nodiscard]] Progress handshake();
  // Decrypts into `space`; `count` says how much.
  [[nodiscard]] Progress read(std::span<char> space, std::size_t& count);
  // Encrypts all of `bytes`.
  [[nodiscard]] Progress write(std::string_view bytes);
  // Nothing to read without more input.
  [[nodiscard]] bool drained() const;
  void close();  // the farewell (close_notify)

  void feed(std::string_view from_peer);
  [[nodiscard]] std::string_view output() const;  // for the peer, until sent()
  void sent();

  // OpenSSL's reason of the last `failed`.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  // Why the peer's certificate was not accepted; "" when that was not the problem.
  [[nodiscard]] std::string certificate_problem() const;
  // The peer's chain as DER, leaf first; empty when it has shown none.
  [[nodiscard]] std::vector<std::string> peer_certificates() const;
  [[nodiscard]] std::string protocol() const;  // agreed by ALPN; "" when none

 private:
  struct Impl;
  struct Deleter {
    void operator()(Impl* impl) const;
  };
  TlsEngine(const TlsContext& context, bool is_server);
  [[nodiscard]] Progress progress(int result);

  std::unique_ptr<Impl, Deleter> impl_;
  std::string failure_;
};

}  // namespace fluxmetrics::http
