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
  std::vector<bool> moves;
};

Catalogue make_catalogue() {
  std::vector<Metric> all = node_metrics();
  std::ranges::move(job_metrics(), std::back_inserter(all));
  std::ranges::move(queue_metrics(), std::back_inserter(all));
  std::ranges::move(sizing_metrics(), std::back_inserter(all));
  std::ranges::sort(all, {}, [](const Metric& metric) { return metric.description.name; });
  Catalogue made;
  for (auto& metric : all) {
    made.descriptions.push_back(std::move(metric.description));
    made.values.push_back(metric.values);
    made.moves.push_back(metric.moves);
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

Family evaluate_one(std::size_t index, const Facts& facts) {
  Family family;
  family.description = &whole().descriptions[index];
  const std::string& why_not = unknown(*family.description, facts.inputs.state);
  auto items = why_not.empty() ? whole().values[index](facts) : fail(Code::unavailable, "{}", why_not);
  if (items) {
    family.items = *std::move(items);
  } else {
    family.missing = std::move(items.error());
  }
  return family;
}

}  // namespace

std::vector<Family> evaluate(const Inputs& inputs, const StateFacts& facts) {
  const Facts all{.inputs = inputs, .nodes = facts.nodes, .backlog = facts.backlog};
  std::vector<Family> families;
  families.reserve(whole().descriptions.size());
  for (std::size_t i = 0; i < whole().descriptions.size(); ++i)
    families.push_back(evaluate_one(i, all));
  return families;
}

std::vector<Family> evaluate(const Inputs& inputs) {
  return evaluate(inputs, count_facts(inputs.state));
}

Families at_time(const Families& families, const Inputs& inputs, const StateFacts& facts) {
  const Facts all{.inputs = inputs, .nodes = facts.nodes, .backlog = facts.backlog};
  std::shared_ptr<std::vector<Family>> moved;
  for (std::size_t i = 0; i < whole().moves.size(); ++i) {
    if (!whole().moves[i]) continue;
    auto family = evaluate_one(i, all);
    const Family& before = (*families)[i];
    if (family.items == before.items && family.missing.has_value() == before.missing.has_value()) continue;
    if (!moved) moved = std::make_shared<std::vector<Family>>(*families);
    (*moved)[i] = std::move(family);
  }
  return moved ? Families(std::move(moved)) : families;
}

}  // namespace fluxmetrics::metrics
