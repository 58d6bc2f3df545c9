#include "api/gzip.hpp"

#include <array>
#include <stdexcept>

#define ZLIB_CONST
#include <zlib.h>

namespace fluxmetrics::api {
namespace {

constexpr int no_header = -15;  // a bare deflate stream with the largest window
constexpr int quick = 1;        // a scrape is read once: the first level gets nearly all there is to get
constexpr int default_memory = 8;
// One byte's worth of an empty last block, with the fixed code.
constexpr std::string_view last_block("\x03\x00", 2);

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

void append_little_endian(std::string& out, std::uint32_t number) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    out += static_cast<char>((number >> shift) & 0xffU);
}

}  // namespace

DeflatedPart deflate_part(std::string_view text) {
  DeflatedPart part;
  part.size = text.size();
  part.crc = static_cast<std::uint32_t>(crc32_z(crc32_z(0, nullptr, 0), bytes_of(text), text.size()));
  if (text.empty()) return part;
  z_stream stream{};
  if (deflateInit2(&stream, quick, Z_DEFLATED, no_header, default_memory, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib has no memory left");
  constexpr std::size_t mark = 16;  // of a flush
  part.bytes.resize(deflateBound(&stream, static_cast<uLong>(text.size())) + mark);
  stream.next_in = bytes_of(text);
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<unsigned char*>(part.bytes.data());
  stream.avail_out = static_cast<uInt>(part.bytes.size());
  const int done = deflate(&stream, Z_FULL_FLUSH);
  const bool whole = done == Z_OK && stream.avail_in == 0 && stream.avail_out > 0;
  part.bytes.resize(stream.total_out);
  deflateEnd(&stream);
  if (!whole) throw std::runtime_error("zlib did not compress a text as a whole");
  return part;
}

std::string join_gzip(std::initializer_list<const DeflatedPart*> parts) {
  // Deflate; no flags, no time; quick; Unix.
  static constexpr std::array<char, 10> header{'\x1f', '\x8b', '\x08', 0, 0, 0, 0, 0, 4, 3};
  std::string out(header.data(), header.size());
  uLong crc = crc32_z(0, nullptr, 0);
  std::uint32_t size = 0;
  for (const auto* part : parts) {
    out += part->bytes;
    crc = crc32_combine(crc, part->crc, static_cast<z_off_t>(part->size));
    size += static_cast<std::uint32_t>(part->size);
  }
  out += last_block;
  append_little_endian(out, static_cast<std::uint32_t>(crc));
  append_little_endian(out, size);
  return out;
}

}  // namespace fluxmetrics::api
