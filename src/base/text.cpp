#include "base/text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace fluxmetrics {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

// C0, DEL, and the C1 set, which terminals obey as well.
bool is_control(std::string_view symbol) {
  const auto first = static_cast<unsigned char>(symbol[0]);
  if (symbol.size() == 1) return first < 0x20 || first == 0x7f;
  return symbol.size() == 2 && first == 0xc2 && static_cast<unsigned char>(symbol[1]) < 0xa0;
}

// How many letters must be changed, added, left out or swapped with their neighbour to make `b` of `a`.
std::size_t changes_between(std::string_view a, std::string_view b) {
  // Rows of the table of all beginnings of `a` (down) and of `b` (across): the last three.
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j)
    row[j] = j;
  std::vector<std::size_t> above;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    const auto before = std::exchange(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : 0xbf;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

bool is_plain(std::string_view text, std::size_t longest) {
  return text.size() <= longest && std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string printable(std::string_view text, std::size_t longest) {
  if (is_plain(text, longest)) return std::string(text);
  std::string out;
  out.reserve(std::min(text.size(), longest) + 3);
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view symbol = text.substr(0, std::max<std::size_t>(length, 1));
    std::string_view shown = symbol;
    if (length == 0) shown = replacement;
    if (length != 0 && is_control(symbol)) shown = " ";
    if (out.size() + shown.size() > longest) return out + "...";
    out += shown;
    text.remove_prefix(symbol.size());
  }
  return out;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    c = lowered(c);
  return out;
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lowered(x) == lowered(y); });
}

bool starts_ignoring_case(std::string_view text, std::string_view beginning) {
  return text.size() >= beginning.size() && same_ignoring_case(text.substr(0, beginning.size()), beginning);
}

std::string nearest(std::string_view name, std::span<const std::string> names) {
  std::string found;
  std::size_t fewest = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const auto& candidate : names) {
    if (std::max(name.size(), candidate.size()) - std::min(name.size(), candidate.size()) >= fewest) continue;
    const auto changes = changes_between(lowered(name), lowered(candidate));
    if (changes >= fewest || changes >= candidate.size()) continue;
    fewest = changes;
    found = candidate;
  }
  return found;
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  c = lowered(c);
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  return std::nullopt;
}

}  // namespace fluxmetrics
