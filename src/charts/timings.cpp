#include "charts/timings.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <ranges>
#include <system_error>

#include "base/csv.hpp"

namespace fluxmetrics::charts {
namespace {

std::optional<double> number_in(const std::string& text) {
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Whether a few values are so far away that nothing would be seen of the boxes on a linear scale.
bool far_apart(const std::vector<ChartBox>& boxes) {
  constexpr double far = 10;
  return std::ranges::all_of(boxes, [](const ChartBox& box) { return std::ranges::min(box.values) > 0; }) &&
         std::ranges::any_of(boxes, [](const ChartBox& box) {
           return std::ranges::max(box.values) > far * quantile_of(box.values, 0.5);
         });
}

// The boxes of one direction, type by type, the smallest changes first.
std::vector<ChartBox> boxes_of(const Timings& timings, bool adding) {
  std::vector<ChartBox> boxes;
  for (const auto& [type, changes] : timings) {
    std::vector<int> counts;
    for (const auto& [change, values] : changes)
      counts.push_back(change);
    std::ranges::sort(counts, {}, [](int change) { return std::abs(change); });
    for (const int change : counts) {
      if ((change > 0) == adding)
        boxes.push_back({.name = fmt::format("{} {:+}", type, change), .values = changes.at(change)});
    }
  }
  return boxes;
}

}  // namespace

Result<Timings> read_timings(std::string_view text) {
  const auto rows = parse_csv(text);
  if (!rows) return std::unexpected(rows.error());
  const auto header = rows->empty() ? std::vector<std::string>() : rows->front().cells;
  for (const auto* name : {"machine_type", "from_nodes", "to_nodes", "seconds"}) {
    if (std::ranges::find(header, name) == header.end()) {
      return fail(Code::invalid, "it is neither JSON nor node timings: its first line has no column {}",
                  name);
    }
  }
  const auto column = [&](std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(header, name) - header.begin());
  };
  const auto type = column("machine_type");
  const auto from = column("from_nodes");
  const auto to = column("to_nodes");
  const auto seconds = column("seconds");
  Timings timings;
  for (const auto& [at, cells] : *rows | std::views::drop(1)) {
    if (cells.size() != header.size())
      return fail(Code::invalid, "line {} has {} columns, not {}", at, cells.size(), header.size());
    if (cells[from].empty() || cells[to].empty()) continue;  // a cluster that was made or deleted
    const auto a = number_in(cells[from]);
    const auto b = number_in(cells[to]);
    const auto took = number_in(cells[seconds]);
    if (!a || !b || !took || std::abs(*b - *a) > 1e6)
      return fail(Code::invalid, "line {} has a cell that is not a number", at);
    if (*a == *b) return fail(Code::invalid, "line {}: from_nodes and to_nodes are both {}", at, *a);
    timings[cells[type]][static_cast<int>(*b - *a)].push_back(*took);
  }
  if (timings.empty()) return fail(Code::invalid, "there are no timings in it");
  return timings;
}

std::vector<NamedChart> chart_timings(const Timings& timings, bool outliers, const std::string& theme) {
  std::vector<NamedChart> charts;
  for (const bool adding : {true, false}) {
    Chart chart{.title = fmt::format("Time to {} nodes{}", adding ? "add" : "remove",
                                     outliers ? "" : ", without outliers"),
                .y_label = "seconds",
                .boxes = boxes_of(timings, adding),
                .outliers = outliers,
                .theme = theme};
    if (chart.boxes.empty()) continue;
    if (outliers && far_apart(chart.boxes)) {
      chart.y_scale = ChartScale::logarithmic;
      chart.y_label = "seconds (logarithmic)";
    }
    charts.push_back({.file = adding ? "nodes-added.svg" : "nodes-removed.svg", .chart = std::move(chart)});
  }
  return charts;
}

}  // namespace fluxmetrics::charts
