// What a client prefers: the elements of Accept, Accept-Encoding and their like, with their qualities
// (RFC 9110, 12.4.2).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxmetrics::http {

struct Preference {
  std::string value;                                                 // lower case: "text/plain", "gzip", "*"
  std::vector<std::pair<std::string, std::string>> parameters = {};  // lower case; q left out
  double quality = 1;                                                // 0..1; 0 = not at all
  [[nodiscard]] std::string_view parameter(std::string_view name) const;  // "" when there is none
};

// In the order in which they stand. What cannot be read as a quality counts as 0.
[[nodiscard]] std::vector<Preference> parse_preferences(std::string_view header);

// The quality of `value` there: that of its own element, else that of "*", else 0.
[[nodiscard]] double quality_of(const std::vector<Preference>& preferences, std::string_view value);

}  // namespace fluxmetrics::http
