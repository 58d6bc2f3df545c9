// Text that others chose: made fit for a sentence or a line of the log, compared and taken apart.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fluxmetrics {

// `text` in one line: a control character becomes a space, what is not UTF-8 becomes U+FFFD, and what goes
// beyond `longest` bytes becomes "...".
[[nodiscard]] std::string printable(std::string_view text, std::size_t longest = 200);

// Whether printable() would leave `text` as it is; may say false for text that it would not change.
[[nodiscard]] bool is_plain(std::string_view text, std::size_t longest);

// The length of the UTF-8 sequence that `text` begins with; 0 when it is none (overlong, a surrogate, cut
// off).
[[nodiscard]] std::size_t utf8_length(std::string_view text);

// A to Z in lower case; every other byte as it is, whatever the locale. Names of headers, methods and media
// types are compared so.
[[nodiscard]] constexpr char lowered(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
[[nodiscard]] std::string lowered(std::string_view text);
[[nodiscard]] bool same_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] bool starts_ignoring_case(std::string_view text, std::string_view beginning);

// Which of `names` somebody meant who wrote `name`: the one that the fewest letters changed, added, left out
// or swapped turn into it, when these are few for its length. "" for none.
[[nodiscard]] std::string nearest(std::string_view name, std::span<const std::string> names);

// The value of a hexadecimal digit of either case; nullopt for another character.
[[nodiscard]] std::optional<unsigned> hex_digit(char c);

}  // namespace fluxmetrics
