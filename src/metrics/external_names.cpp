#include "metrics/external_names.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace fluxmetrics::metrics {

const Description* find_external(std::span<const Description> catalogue, std::string_view name) {
  if (const auto* const exact = find_named(catalogue, name)) return exact;
  const auto found = std::ranges::find_if(
      catalogue, [name](const Description& each) { return same_ignoring_case(each.name, name); });
  return found != catalogue.end() ? &*found : nullptr;
}

}  // namespace fluxmetrics::metrics
