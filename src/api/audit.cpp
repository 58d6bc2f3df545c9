#include "api/audit.hpp"

#include <fmt/format.h>

namespace fluxmetrics::api {
namespace {

constexpr std::size_t longest = 64;  // what the Go server echoes at most

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
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xffffU,
                     high & 0xffffU, low >> 48U, low & 0xffffffffffffULL);
}

}  // namespace fluxmetrics::api
