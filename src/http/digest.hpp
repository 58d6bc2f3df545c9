// Digests: names for secrets, so that a cache can be keyed by a token's digest instead of the token, and
// names for documents, so that a reader can tell whether his copy is the newest.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace fluxmetrics::http {

// SHA-256 of a secret of this process and the text: useless to whoever reads it, and equal texts have equal
// ones. Not thread-safe.
class SecretDigest {
 public:
  using Value = std::array<char, 32>;
  SecretDigest();
  // All zeros only when OpenSSL fails.
  [[nodiscard]] Value of(std::string_view text);

 private:
  std::shared_ptr<evp_md_ctx_st> seeded_;   // has digested the secret
  std::shared_ptr<evp_md_ctx_st> working_;  // kept, so that a digest allocates nothing
};

// SHA-512 of a text that is no secret, in capital hexadecimal digits: an ETag as Go's API servers make it.
[[nodiscard]] std::string sha512_hex(std::string_view text);

}  // namespace fluxmetrics::http
