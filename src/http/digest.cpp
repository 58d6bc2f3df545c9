#include "http/digest.hpp"

#include <fmt/format.h>
#include <iterator>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace fluxmetrics::http {
namespace {

std::shared_ptr<EVP_MD_CTX> new_context() {
  return {EVP_MD_CTX_new(), EVP_MD_CTX_free};
}

}  // namespace

SecretDigest::SecretDigest() : seeded_(new_context()), working_(new_context()) {
  std::array<unsigned char, 64> secret{};  // one block of SHA-256
  RAND_bytes(secret.data(), static_cast<int>(secret.size()));
  EVP_DigestInit_ex(seeded_.get(), EVP_sha256(), nullptr);
  EVP_DigestUpdate(seeded_.get(), secret.data(), secret.size());
}

SecretDigest::Value SecretDigest::of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  Value value{};
  const bool done = EVP_MD_CTX_copy_ex(working_.get(), seeded_.get()) == 1 &&
                    EVP_DigestUpdate(working_.get(), text.data(), text.size()) == 1 &&
                    EVP_DigestFinal_ex(working_.get(), bytes.data(), &size) == 1 && size == value.size();
  for (std::size_t i = 0; done && i < value.size(); ++i)
    value.at(i) = static_cast<char>(bytes.at(i));
  return value;
}

std::string sha512_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  std::string hex;
  if (EVP_Digest(text.data(), text.size(), bytes.data(), &size, EVP_sha512(), nullptr) != 1) return hex;
  for (std::size_t i = 0; i < size; ++i)
    fmt::format_to(std::back_inserter(hex), "{:02X}", bytes.at(i));
  return hex;
}

}  // namespace fluxmetrics::http
