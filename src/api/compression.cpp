#include "api/compression.hpp"

#include <algorithm>

#include "api/gzip.hpp"
#include "http/preferences.hpp"

namespace fluxmetrics::api {
namespace {

constexpr std::size_t most_known = 8;
constexpr std::size_t usually_beyond = 128U << 10U;
constexpr std::size_t openapi_beyond = 1400;

bool depends_on_encoding(const http::Response& response) {
  return std::ranges::any_of(response.headers, [](const auto& header) {
    return header.first == "Vary" && header.second == "Accept-Encoding";
  });
}

}  // namespace

void Compression::apply(const http::Request& request, http::Response& response) {
  if (!response.body || response.body->size() <= openapi_beyond) return;
  const bool depends = depends_on_encoding(response);
  if (!depends && response.body->size() <= usually_beyond) return;
  const auto accepted = http::find_header(request.headers, "Accept-Encoding");
  if (!accepted || http::quality_of(http::parse_preferences(*accepted), "gzip") == 0) return;
  response.body = compressed(response.body);
  response.headers.emplace_back("Content-Encoding", "gzip");
  if (!depends) response.headers.emplace_back("Vary", "Accept-Encoding");
}

const Body& Compression::compressed(const Body& plain) {
  const auto found = std::ranges::find(known_, plain, &Pair::plain);
  if (found != known_.end()) return found->compressed;
  if (known_.size() >= most_known) known_.erase(known_.begin());
  const auto part = deflate_part(*plain);
  known_.push_back({.plain = plain, .compressed = std::make_shared<const std::string>(join_gzip({&part}))});
  return known_.back().compressed;
}

}  // namespace fluxmetrics::api
