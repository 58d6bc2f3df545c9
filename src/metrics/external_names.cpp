#include "metrics/external_names.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace fluxmetrics::metrics {

const Description* find_external(const Catalogue& catalogue, std::string_view name) {
  if (const auto* const exact = catalogue.find(name)) return exact;
  const auto& all = catalogue.descriptions();
  const auto found = std::ranges::find_if(
      all, [name](const Description& each) { return same_ignoring_case(each.name, name); });
  return found != all.end() ? &*found : nullptr;
}

}  // namespace fluxmetrics::metrics
