#include "metrics/catalogue.hpp"

#include <algorithm>
#include <iterator>

#include "metrics/metric.hpp"
#include "metrics/user_names.hpp"

namespace fluxmetrics::metrics {
namespace {

std::vector<Metric> built_in_metrics() {
  std::vector<Metric> all = node_metrics();
  std::ranges::move(job_metrics(), std::back_inserter(all));
  std::ranges::move(queue_metrics(), std::back_inserter(all));
  std::ranges::move(scheduler_metrics(), std::back_inserter(all));
  std::ranges::move(sizing_metrics(), std::back_inserter(all));
  return all;
}

Description describe(const UserMetric& metric) {
  return {.name = metric.name,
          .unit = metric.unit,
          .help = metric.help,
          .source = metric.source,
          .labels = {metric.labels.begin(), metric.labels.end()},
          .type = metric.type,
          .aggregation = metric.aggregation};
}

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

Result<std::vector<Item>> user_items(const Facts& facts, std::size_t index) {
  if (index >= facts.inputs.user.size()) return Reading().items;
  return facts.inputs.user[index].items;
}

bool same(const Family& a, const Family& b) {
  const auto when = [](const Family& family) {
    return family.measured ? family.measured->mono : MonoTime::min();
  };
  return a.items == b.items && a.missing.has_value() == b.missing.has_value() && when(a) == when(b) &&
         (!a.missing || a.missing->message == b.missing->message);
}

}  // namespace

Catalogue::Catalogue() : Catalogue(std::vector<UserMetric>()) {}

Catalogue::Catalogue(std::vector<UserMetric> user) : user_(std::move(user)) {
  struct Entry {
    Metric metric;
    std::size_t user_index;
  };
  std::vector<Entry> all;
  for (auto& metric : built_in_metrics())
    all.push_back({.metric = std::move(metric), .user_index = 0});
  for (std::size_t i = 0; i < user_.size(); ++i)
    all.push_back(
        {.metric = {.description = describe(user_[i]), .values = nullptr, .moves = true}, .user_index = i});
  std::ranges::sort(all, {}, [](const Entry& entry) { return entry.metric.description.name; });
  for (auto& [metric, index] : all) {
    descriptions_.push_back(std::move(metric.description));
    values_.push_back(metric.values);
    moves_.push_back(metric.moves);
    user_index_.push_back(index);
  }
  user_family_names_.reserve(user_.size());  // families point at them
  for (const auto& metric : user_)
    add_user_family(metric);
}

void Catalogue::add_user_family(const UserMetric& metric) {
  user_family_names_.push_back(user_family_name(metric.name));
  user_families_.push_back({.name = user_family_names_.back(),
                            .type = metric.type == Type::counter ? ExposedType::counter : ExposedType::gauge,
                            .help = metric.help,
                            .labels = {metric.labels.begin(), metric.labels.end()},
                            .made_of = {metric.name}});
}

Result<std::shared_ptr<const Catalogue>> Catalogue::with(std::vector<UserMetric> user) {
  if (const auto checked = check_user_names(user, built_in()->descriptions()); !checked)
    return std::unexpected(checked.error());
  struct Made : Catalogue {
    explicit Made(std::vector<UserMetric> metrics) : Catalogue(std::move(metrics)) {}
  };
  return std::make_shared<const Made>(std::move(user));
}

const Description* Catalogue::find(std::string_view name) const {
  return find_named(descriptions_, name);
}

Family Catalogue::evaluate_one(std::size_t index, const Facts& facts) const {
  Family family;
  family.description = &descriptions_[index];
  auto items = [&]() -> Result<std::vector<Item>> {
    if (values_[index] == nullptr) return user_items(facts, user_index_[index]);
    const std::string& why_not = unknown(*family.description, facts.inputs.state);
    if (!why_not.empty()) return fail(Code::unavailable, "{}", why_not);
    return values_[index](facts);
  }();
  if (items) {
    family.items = *std::move(items);
  } else {
    family.missing = std::move(items.error());
  }
  if (values_[index] == nullptr && user_index_[index] < facts.inputs.user.size())
    family.measured = facts.inputs.user[user_index_[index]].measured;
  return family;
}

std::vector<Family> Catalogue::evaluate(const Inputs& inputs, const StateFacts& facts) const {
  const Facts all{.inputs = inputs, .nodes = facts.nodes, .backlog = facts.backlog};
  std::vector<Family> families;
  families.reserve(size());
  for (std::size_t i = 0; i < size(); ++i)
    families.push_back(evaluate_one(i, all));
  return families;
}

std::vector<Family> Catalogue::evaluate(const Inputs& inputs) const {
  return evaluate(inputs, count_facts(inputs.state, inputs.demand));
}

Families Catalogue::at_time(const Families& families, const Inputs& inputs, const StateFacts& facts) const {
  const Facts all{.inputs = inputs, .nodes = facts.nodes, .backlog = facts.backlog};
  std::shared_ptr<std::vector<Family>> moved;
  for (std::size_t i = 0; i < size(); ++i) {
    if (!moves_[i]) continue;
    auto family = evaluate_one(i, all);
    if (same(family, (*families)[i])) continue;
    if (!moved) moved = std::make_shared<std::vector<Family>>(*families);
    (*moved)[i] = std::move(family);
  }
  return moved ? Families(std::move(moved)) : families;
}

const std::shared_ptr<const Catalogue>& built_in() {
  static const auto made = std::make_shared<const Catalogue>();
  return made;
}

}  // namespace fluxmetrics::metrics
