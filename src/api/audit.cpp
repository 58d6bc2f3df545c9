#include "api/audit.hpp"

#include <cstdint>

namespace fluxmetrics::api {
namespace {

constexpr std::size_t longest = 64;  // what the Go server echoes at most

// The lowest `digits` of `bits`; every answer gets an id, so this is not left to a format string.
void append_hex(std::string& out, std::uint64_t bits, unsigned digits) {
  for (unsigned i = digits; i-- > 0;)
    out += "0123456789abcdef"[(bits >> (4 * i)) & 0xfU];
}

}  // namespace

AuditIds::AuditIds() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device()};
  random_.seed(seed);
}

std::string AuditIds::of(const http::Headers& headers) {
  if (const auto sent = http::find_header(headers, "Audit-Id"); sent && !sent->empty()) {
    if (sent->size() <= longest) return std::string(*sent);
    return std::string(sent->substr(0, longest - 3)) + "...";
  }
  // RFC 4122, version 4.
  const std::uint64_t high = (random_() & ~0xf000ULL) | 0x4000ULL;
  const std::uint64_t low = (random_() & ~(0xc0ULL << 56U)) | (0x80ULL << 56U);
  std::string id;
  id.reserve(36);
  append_hex(id, high >> 32U, 8);
  append_hex(id += '-', high >> 16U, 4);
  append_hex(id += '-', high, 4);
  append_hex(id += '-', low >> 48U, 4);
  append_hex(id += '-', low, 12);
  return id;
}

}  // namespace fluxmetrics::api
