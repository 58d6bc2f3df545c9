// Client certificates as plain values, and the pools of CAs that vouch for them. OpenSSL stays in the .cpp.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

struct x509_store_st;

namespace fluxmetrics::http {

struct ClientCertificate {
  std::string common_name = {};                 // of the subject; "" when it has none
  std::vector<std::string> organizations = {};  // every O of the subject, in order
  std::string fingerprint = {};                 // SHA-256 of the DER, lower-case hex
  std::string subject = {};                     // for people: "CN=alice,O=devs"
  std::string issuer = {};
  std::vector<std::string> uses = {};  // extended key usage: "clientAuth", ...; empty = not limited
  WallTime not_before;
  WallTime not_after;
};

// Errors: Code::invalid for bytes that are no certificate.
[[nodiscard]] Result<ClientCertificate> read_client_certificate(const std::string& der);

// One line for a log: subject, issuer, uses and validity.
[[nodiscard]] std::string describe(const ClientCertificate& certificate);

class CaPool {
 public:
  // All certificates of a PEM bundle. Errors: Code::invalid when it holds none, or a broken one.
  [[nodiscard]] static Result<CaPool> parse(std::string_view pem);

  // Whether `chain` (DER, leaf first) leads to a certificate of the pool, is valid at `at`, and is for TLS
  // clients. Errors: Code::denied with the reason.
  [[nodiscard]] Result<void> verify(std::span<const std::string> chain, WallTime at) const;

 private:
  std::shared_ptr<x509_store_st> store_;
};

}  // namespace fluxmetrics::http
