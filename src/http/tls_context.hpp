// OpenSSL contexts for both sides of a connection, and the serving one that follows its files. No OpenSSL
// header here.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/tls.hpp"

struct ssl_ctx_st;

namespace fluxmetrics::http {

using TlsContext = std::shared_ptr<ssl_ctx_st>;

// A server's context. Errors: Code::invalid when the pair cannot be used; `where` names the two in the
// sentence.
[[nodiscard]] Result<TlsContext> make_server_context(const KeyPair& pair,
                                                     const std::pair<std::string, std::string>& where);
// A client's context that trusts the certificates of `ca_file` (PEM), or the system's when it is empty.
[[nodiscard]] Result<TlsContext> make_client_context(const std::string& ca_file);

// What a client trusts and shows, as texts that somebody has read already.
struct ClientTls {
  std::string ca = {};     // PEM; empty = the system's
  KeyPair identity = {};   // the client's own certificate and key; both empty = none
  std::string where = {};  // where they come from, for sentences: "the kubeconfig 'x'"
  bool verify = true;      // the server's certificate
};
// Errors: Code::invalid naming `where` and what is wrong.
[[nodiscard]] Result<TlsContext> make_client_context(const ClientTls& tls);

// The context new connections are accepted with. It reads changed files again, at most once a second; a pair
// that cannot be used is reported once and the old one kept. A self-signed certificate is renewed before it
// expires.
class ServingContext {
 public:
  [[nodiscard]] static Result<ServingContext> load(ServingCertificate options);
  [[nodiscard]] TlsContext current(MonoTime now);

 private:
  explicit ServingContext(ServingCertificate options) : options_(std::move(options)) {}
  [[nodiscard]] Result<void> reload();
  [[nodiscard]] Result<void> make_own();
  [[nodiscard]] std::string stamp() const;  // changes when a file does

  ServingCertificate options_;
  TlsContext context_;
  std::string stamp_;
  WallTime renew_at_ = WallTime::max();  // of a self-signed certificate
  MonoTime checked_;
};

}  // namespace fluxmetrics::http
