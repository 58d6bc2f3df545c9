// The grammar of label selectors: text -> requirements, with the error messages of the Go parser.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "kube/label_requirement.hpp"

namespace fluxmetrics::kube {

// In the order of the text.
[[nodiscard]] Result<std::vector<LabelRequirement>> parse_requirements(std::string_view text);

// A decimal int64, as > and < compare; nullopt for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_label_integer(std::string_view text);

}  // namespace fluxmetrics::kube
