// gzip of texts of which parts stay the same: each part is compressed once, and joined to a whole as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace fluxmetrics::api {

// A part of a gzip member: ends at a byte's border, and not the stream.
struct DeflatedPart {
  std::string bytes;
  std::uint32_t crc = 0;
  std::size_t size = 0;  // of the text
};

[[nodiscard]] DeflatedPart deflate_part(std::string_view text);

// One gzip member (RFC 1952) of all parts, in order.
[[nodiscard]] std::string join_gzip(std::initializer_list<const DeflatedPart*> parts);

}  // namespace fluxmetrics::api
