// Certificates as files and as text: reading them with useful errors, and keeping a self-signed one in a
// directory.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/tls.hpp"

namespace fluxmetrics::http {

// A small text file (a certificate, a key). Errors: Code::not_found, denied, io, naming `what` and the path.
[[nodiscard]] Result<std::string> read_pem_file(const std::string& path, const std::string& what);

// Reads both files of a serving certificate.
[[nodiscard]] Result<KeyPair> read_key_pair(const std::string& cert_file, const std::string& key_file);

struct CertificateFacts {
  WallTime begins;
  WallTime expires;
  bool own_make = false;  // made by make_self_signed()
  std::string
      uncovered_name;  // the first of the names asked for that the certificate is not for; "" when none
};
// Errors: Code::invalid for text that holds no certificate.
[[nodiscard]] Result<CertificateFacts> inspect_certificate(const std::string& pem,
                                                           const std::vector<std::string>& names);

// The self-signed pair of `directory` (tls.crt, tls.key); made and written there when there is none, or when
// the one there is about to expire or lacks one of `names`. A pair that this program did not make is never
// overwritten.
[[nodiscard]] Result<KeyPair> find_or_make_self_signed(const std::string& directory,
                                                       const std::vector<std::string>& names);

// How long before its end a self-signed certificate is replaced.
inline constexpr auto renewal_margin = std::chrono::days(30);

}  // namespace fluxmetrics::http
