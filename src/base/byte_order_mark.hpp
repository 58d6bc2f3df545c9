// The mark of byte order (U+FEFF) that some editors and spreadsheets put before UTF-8. It says nothing.
#pragma once

#include <string_view>

namespace fluxmetrics {

[[nodiscard]] constexpr std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

}  // namespace fluxmetrics
