// The serving certificate: from files, or self-signed when there are none. OpenSSL stays in
// tls.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace fluxmetrics::http {

struct ServingCertificate {
  std::string cert_file = {};  // PEM chain; both or none
  std::string key_file = {};   // PEM
  // Without files: a self-signed certificate is made (EC P-256, a year), kept in memory, and in `cert_dir`
  // (tls.crt, tls.key, mode 0600) when that is given, where a valid one is found again at the next start.
  std::string cert_dir = {};
  std::vector<std::string> names = {};  // DNS names and addresses for the self-signed certificate
};

// A PEM certificate and its PEM key.
struct KeyPair {
  std::string certificate;
  std::string key;
};
[[nodiscard]] Result<KeyPair> make_self_signed(const std::vector<std::string>& names);

}  // namespace fluxmetrics::http
