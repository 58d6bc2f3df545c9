// What is wrong with an argument, in words: the checks that cli*.cpp give their options.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace fluxmetrics::commands {

// "" for a text that is fine; else what it must be, to stand behind the option's name and a colon.
using ArgumentCheck = std::function<std::string(const std::string&)>;

// A whole number from `lowest` to `highest`; where `highest` is only what fits, it is not spoken of to those
// who are below.
[[nodiscard]] ArgumentCheck whole_number(std::uint64_t lowest, std::uint64_t highest, bool only_what_fits);

// A finite number above 0.
[[nodiscard]] ArgumentCheck number_above_zero();

[[nodiscard]] ArgumentCheck not_empty();

// The sentences of the command line's parser that are none, in words.
// "A excludes B" -> that they do not go together; "NAME: 1 required TYPE missing" -> that NAME needs a value;
// "NAME: X not in {A,B}" -> what NAME must be; others as they are.
[[nodiscard]] std::string in_words(std::string_view remark);

}  // namespace fluxmetrics::commands
