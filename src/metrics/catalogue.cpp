#include "metrics/catalogue.hpp"

#include <algorithm>
#include <iterator>

#include "metrics/metric.hpp"

namespace fluxmetrics::metrics {
namespace {

// Two lists in the same order: descriptions are handed out as a span.
struct Catalogue {
  std::vector<Description> descriptions;
  std::vector<decltype(Metric::values)> values;
};

Catalogue make_catalogue() {
  std::vector<Metric> all = node_metrics();
  std::ranges::move(job_metrics(), std::back_inserter(all));
  std::ranges::move(sizing_metrics(), std::back_inserter(all));
  std::ranges::sort(all, {}, [](const Metric& metric) { return metric.description.name; });
  Catalogue made;
  for (auto& metric : all) {
    made.descriptions.push_back(std::move(metric.description));
    made.values.push_back(metric.values);
  }
  return made;
}

const Catalogue& whole() {
  static const Catalogue made = make_catalogue();
  return made;
}

}  // namespace

std::span<const Description> catalogue() {
  return whole().descriptions;
}

const Description* find_description(std::string_view name) {
  const auto all = catalogue();
  const auto found = std::ranges::lower_bound(all, name, {}, &Description::name);
  return found != all.end() && found->name == name ? &*found : nullptr;
}

namespace {

// A description's source names the RPCs that its values are made of: when one of them does not answer, there
// is no value, and a made-up zero least of all.
const std::string& unknown(const Description& description, const instance::InstanceState& state) {
  static const std::string nothing;
  const auto reads = [&](std::string_view rpc) {
    return description.source.find(rpc) != std::string_view::npos;
  };
  if (reads("job-list.") && !state.jobs_unknown.empty()) return state.jobs_unknown;
  if (reads("job-manager.resource-status") && !state.allocated_unknown.empty())
    return state.allocated_unknown;
  return nothing;
}

}  // namespace

std::vector<Family> evaluate(const Inputs& inputs) {
  const Facts facts{.inputs = inputs, .nodes = count_nodes(inputs.state)};
  std::vector<Family> families;
  families.reserve(whole().descriptions.size());
  for (std::size_t i = 0; i < whole().descriptions.size(); ++i) {
    auto& family = families.emplace_back();
    family.description = &whole().descriptions[i];
    const std::string& why_not = unknown(*family.description, inputs.state);
    auto items = why_not.empty() ? whole().values[i](facts) : fail(Code::unavailable, "{}", why_not);
    if (items) {
      family.items = *std::move(items);
    } else {
      family.missing = std::move(items.error());
    }
  }
  return families;
}

}  // namespace fluxmetrics::metrics
