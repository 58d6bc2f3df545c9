#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <thread>

#include <boost/json.hpp>

#include "base/log.hpp"
#include "commands/broker.hpp"
#include "commands/options.hpp"
#include "metrics/catalogue.hpp"

namespace fluxmetrics::commands {
namespace {

namespace json = boost::json;

bool chosen(const GetOptions& options, const metrics::Family& family) {
  return options.metrics.empty() ||
         std::ranges::find(options.metrics, family.description->name) != options.metrics.end();
}

std::string labels_text(const metrics::Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels)
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", name, value);
  return text;
}

void print_table(const GetOptions& options, const metrics::Snapshot& snapshot) {
  struct Row {
    std::string name, labels, value, unit;
  };
  std::vector<Row> rows{{"METRIC", "LABELS", "VALUE", "UNIT"}};
  for (const auto& family : *snapshot.families) {
    if (!chosen(options, family)) continue;
    const std::string name(family.description->name);
    const std::string unit(family.description->unit);
    if (family.missing) rows.push_back({name, "", "-", family.missing->message});
    for (const auto& item : family.items)
      rows.push_back({name, labels_text(item.labels), fmt::format("{}", item.value), unit});
  }
  std::size_t name_width = 0;
  std::size_t labels_width = 0;
  std::size_t value_width = 0;
  for (const auto& row : rows) {
    name_width = std::max(name_width, row.name.size());
    labels_width = std::max(labels_width, row.labels.size());
    value_width = std::max(value_width, row.value.size());
  }
  for (const auto& row : rows) {
    fmt::print("{:{}}  {:{}}  {:>{}}  {}\n", row.name, name_width, row.labels, labels_width, row.value,
               value_width, row.unit);
  }
}

// Counts print as integers: 4, not 4e+00.
json::value to_json(double value) {
  constexpr double exact = 9007199254740992.0;  // 2^53
  if (std::trunc(value) == value && std::abs(value) <= exact) return static_cast<std::int64_t>(value);
  return value;
}

void print_json(const GetOptions& options, const metrics::Snapshot& snapshot) {
  json::array families;
  for (const auto& family : *snapshot.families) {
    if (!chosen(options, family)) continue;
    json::object entry{{"name", family.description->name}, {"unit", family.description->unit}};
    if (family.missing) {
      entry["missing"] = family.missing->message;
    } else {
      json::array items;
      for (const auto& item : family.items) {
        json::object labels;
        for (const auto& [name, value] : item.labels)
          labels[name] = value;
        items.push_back(json::object{{"labels", std::move(labels)}, {"value", to_json(item.value)}});
      }
      entry["items"] = std::move(items);
    }
    families.push_back(std::move(entry));
  }
  const auto& state = *snapshot.state;
  const json::object document{{"timestamp", format_rfc3339(snapshot.confirmed.wall)},
                              {"instance", json::object{{"size", state.size},
                                                        {"level", state.level},
                                                        {"version", state.version},
                                                        {"hostname", state.hostname},
                                                        {"state", state.broker_state},
                                                        {"owner", state.owner}}},
                              {"metrics", std::move(families)}};
  fmt::print("{}\n", json::serialize(document));
}

}  // namespace

int run_get(const GetOptions& options) {
  using namespace std::chrono_literals;
  for (const auto& name : options.metrics) {
    if (metrics::find_description(name) != nullptr) continue;
    std::string names;
    for (const auto& description : metrics::catalogue())
      names += fmt::format(" {}", description.name);
    log::error("there is no metric {}; there are:{}", name, names);
    return exit_misused;
  }
  const auto broker = check_options(options.flux_uri, options.policy);
  if (!broker) {
    log::error("{}", broker.error().message);
    return exit_misused;
  }
  if (!log::enabled(log::Level::debug)) log::set_level(log::Level::error);  // the table is the answer

  Pipeline pipeline(*broker, options.policy, options.timeout);
  pipeline.start();
  const auto deadline =
      MonoTime::clock::now() + std::chrono::duration_cast<MonoTime::duration>(options.timeout);
  metrics::View view = pipeline.store().view();
  while (view.snapshot == nullptr && MonoTime::clock::now() < deadline) {
    std::this_thread::sleep_for(5ms);
    view = pipeline.store().view();
  }
  if (view.snapshot == nullptr) {
    log::error("no metrics within {:g} s: {}", options.timeout.count(), view.trouble);
    return exit_failed;
  }
  if (options.output == "json") {
    print_json(options, *view.snapshot);
  } else {
    print_table(options, *view.snapshot);
  }
  return exit_fine;
}

}  // namespace fluxmetrics::commands
