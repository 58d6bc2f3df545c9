// Text that others chose, made fit for a sentence or a line of the log.
#pragma once

#include <cstddef>
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

}  // namespace fluxmetrics
