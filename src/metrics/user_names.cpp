#include "metrics/user_names.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/text.hpp"
#include "metrics/external_names.hpp"

namespace fluxmetrics::metrics {
namespace {

constexpr std::size_t longest_name = 128;
constexpr std::array<std::string_view, 3> of_histograms{"_count", "_sum", "_bucket"};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Why a name is taken by one that is written in another case.
std::string despite_case(std::string_view name, std::string_view taken) {
  return name == taken ? "" : ", and HPAs ask for external metrics in lower case";
}

Result<void> check_one(const UserMetric& metric, std::span<const Description> built_in) {
  if (!is_metric_name(metric.name)) {
    return fail(Code::invalid,
                "{}: '{}' is not a valid metric name: use letters, digits and _, with a letter or _ first, "
                "at most {} characters",
                metric.source, printable(metric.name), longest_name);
  }
  if (const auto* const taken = find_external(built_in, metric.name)) {
    return fail(Code::invalid, "{}: there is a built-in metric {} already{}; choose another name",
                metric.source, taken->name, despite_case(metric.name, taken->name));
  }
  const bool total = metric.name.ends_with("_total");
  if (metric.type == Type::counter && !total) {
    return fail(Code::invalid, "{}: the name of a counter ends in _total for Prometheus; {} does not",
                metric.source, metric.name);
  }
  if (metric.type == Type::gauge && total) {
    return fail(Code::invalid, "{}: {} ends in _total, which only a counter's name may", metric.source,
                metric.name);
  }
  return {};
}

}  // namespace

bool is_metric_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_name && is_letter(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c); });
}

std::string user_family_name(std::string_view name) {
  for (bool cut = true; cut;) {
    cut = false;
    for (const auto ending : of_histograms) {
      if (!name.ends_with(ending) || name.size() == ending.size()) continue;
      name.remove_suffix(ending.size());
      cut = true;
    }
  }
  std::string family = "flux_user_";
  family += name;
  return family;
}

Result<void> check_user_names(std::span<const UserMetric> user, std::span<const Description> built_in) {
  std::map<std::string, const UserMetric*> names;
  std::map<std::string, const UserMetric*> families;
  for (const auto& metric : user) {
    if (auto checked = check_one(metric, built_in); !checked) return checked;
    if (const auto [taken, fresh] = names.emplace(lowered(metric.name), &metric); !fresh) {
      const auto& other = *taken->second;
      return fail(Code::invalid, "{}: there is a metric {} already, in {}{}; choose another name",
                  metric.source, other.name, other.source, despite_case(metric.name, other.name));
    }
    // OpenMetrics calls a counter's family by its name without _total.
    auto family = user_family_name(metric.name);
    if (metric.type == Type::counter) family.resize(family.rfind("_total"));
    if (const auto [taken, fresh] = families.emplace(std::move(family), &metric); !fresh) {
      return fail(Code::invalid,
                  "{}: Prometheus would know {} and {} (in {}) by the same name {}; choose another name",
                  metric.source, metric.name, taken->second->name, taken->second->source, taken->first);
    }
  }
  return {};
}

}  // namespace fluxmetrics::metrics
