// Numbers of things in sentences: "1 pod", "2 pods".
#pragma once

#include <fmt/format.h>
#include <string>
#include <string_view>

namespace fluxmetrics {

// For nouns whose plural only has an s more.
template <class Number>
[[nodiscard]] std::string counted(Number count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace fluxmetrics
