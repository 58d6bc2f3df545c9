#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <system_error>

#include <boost/json.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "commands/options.hpp"
#include "commands/plan_report.hpp"
#include "commands/svg_chart.hpp"

namespace fluxmetrics::commands {
namespace json = boost::json;
namespace {

using Paths = Result<std::vector<std::string>>;

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');)
    cells.push_back(cell);
  if (line.ends_with(',')) cells.emplace_back();
  return cells;
}

std::optional<double> number(const std::string& text) {
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Timings of nodes by machine type and by how many came or went at once.
using Timings = std::map<std::string, std::map<int, std::vector<double>>>;

Result<Timings> read_timings(const std::string& text) {
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  if (line.ends_with('\r')) line.pop_back();
  const auto header = split(line);
  for (const auto* name : {"machine_type", "from_nodes", "to_nodes", "seconds"}) {
    if (std::ranges::find(header, name) == header.end()) {
      return fail(Code::invalid, "it is neither JSON nor timings of nodes: its first line has no column {}",
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
  for (std::size_t at = 2; std::getline(lines, line); ++at) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const auto cells = split(line);
    if (cells.size() != header.size())
      return fail(Code::invalid, "line {} has {} columns, not {}", at, cells.size(), header.size());
    if (cells[from].empty() || cells[to].empty()) continue;  // a cluster that was made or deleted
    const auto a = number(cells[from]);
    const auto b = number(cells[to]);
    const auto took = number(cells[seconds]);
    if (!a || !b || !took || std::abs(*b - *a) > 1e6)
      return fail(Code::invalid, "line {} holds a cell that is no number", at);
    timings[cells[type]][static_cast<int>(*b - *a)].push_back(*took);
  }
  if (timings.empty()) return fail(Code::invalid, "there are no timings in it");
  return timings;
}

Paths plot_timings(const std::string& text, const PlotOptions& options) {
  const auto timings = read_timings(text);
  if (!timings) return std::unexpected(timings.error());
  std::vector<std::string> paths;
  for (const bool adding : {true, false}) {
    Chart chart{.title = fmt::format("Time to {} nodes{}", adding ? "add" : "remove",
                                     options.no_outliers ? ", without outliers" : ""),
                .y_label = "seconds",
                .outliers = !options.no_outliers,
                .theme = options.theme};
    for (const auto& [type, changes] : *timings) {
      std::vector<int> counts;
      for (const auto& [change, values] : changes)
        counts.push_back(change);
      std::ranges::sort(counts, {}, [](int change) { return std::abs(change); });
      for (const int change : counts) {
        if ((change > 0) == adding)
          chart.boxes.push_back({.name = fmt::format("{} {:+}", type, change), .values = changes.at(change)});
      }
    }
    if (chart.boxes.empty()) continue;
    for (const auto& box : chart.boxes)
      fmt::print("{}: median {:.1f} s of {}\n", box.name, quantile_of(box.values, 0.5), box.values.size());
    auto path = write_plot(options.out, adding ? "nodes-added.svg" : "nodes-removed.svg", to_svg(chart));
    if (!path) return std::unexpected(path.error());
    paths.push_back(std::move(*path));
  }
  return paths;
}

// The numbers of a recording, metric by metric: hours since its begin, value.
Result<std::map<std::string, ChartSeries>> read_recording(const std::string& text) {
  std::map<std::string, ChartSeries> series;
  std::istringstream lines(text);
  std::optional<double> begin;
  std::string line;
  for (std::size_t at = 1; std::getline(lines, line); ++at) {
    if (line.empty()) continue;
    boost::system::error_code broken;
    const auto document = json::parse(line, broken);
    const auto* object = broken ? nullptr : document.if_object();
    const auto* time = object == nullptr ? nullptr : object->if_contains("time");
    const auto* metrics = object == nullptr ? nullptr : object->if_contains("metrics");
    if (time == nullptr || !time->is_number() || metrics == nullptr || !metrics->is_object()) {
      return fail(Code::invalid, "line {} is none of a recording of get --record", at);
    }
    const double now = time->to_number<double>();
    if (!begin) begin = now;
    for (const auto& [name, value] : metrics->get_object()) {
      if (!value.is_number()) continue;  // no value then, or one for each of several labels
      auto& one = series[std::string(name)];
      one.name = std::string(name);
      one.steps = true;
      one.points.emplace_back((now - *begin) / 3600, value.to_number<double>());
    }
  }
  if (series.empty()) return fail(Code::invalid, "there are no numbers in it");
  return series;
}

Paths plot_recording(const std::string& text, const PlotOptions& options) {
  const auto series = read_recording(text);
  if (!series) return std::unexpected(series.error());
  struct Group {
    std::string_view file, title, unit;
    std::vector<std::string_view> names;
  };
  const std::vector<Group> groups{
      {"nodes.svg",
       "Nodes",
       "nodes",
       {"node_up_count", "node_allocated_count", "node_drained_count", "node_wanted_count",
        "node_wanted_all_count"}},
      {"jobs.svg", "Jobs", "jobs", {"job_pending_count", "job_running_count", "job_eligible_count"}},
      {"wait.svg", "The oldest job that waits", "seconds", {"job_wait_oldest_seconds"}}};
  std::vector<std::string> paths;
  for (const auto& group : groups) {
    Chart chart{.title = std::string(group.title),
                .x_label = "hours",
                .y_label = std::string(group.unit),
                .theme = options.theme};
    for (const auto name : group.names) {
      if (const auto found = series->find(std::string(name)); found != series->end())
        chart.series.push_back(found->second);
    }
    if (chart.series.empty()) continue;
    auto path = write_plot(options.out, std::string(group.file), to_svg(chart));
    if (!path) return std::unexpected(path.error());
    paths.push_back(std::move(*path));
  }
  if (!paths.empty()) return paths;
  // None of the usual ones: all that there is.
  Chart chart{.title = "Metrics", .x_label = "hours", .theme = options.theme};
  for (const auto& [name, one] : *series)
    chart.series.push_back(one);
  auto path = write_plot(options.out, "metrics.svg", to_svg(chart));
  if (!path) return std::unexpected(path.error());
  return std::vector{std::move(*path)};
}

Paths plot_any(const std::string& text, const PlotOptions& options) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return fail(Code::invalid, "it is empty");
  if (text[first] != '{') return plot_timings(text, options);
  boost::system::error_code broken;
  const auto document = json::parse(text, broken);
  const auto* object = broken ? nullptr : document.if_object();
  const auto* format = object == nullptr ? nullptr : object->if_contains("format");
  if (format == nullptr || !format->is_string() || format->get_string() != plan_format) {
    return plot_recording(text, options);
  }
  const auto outcomes = read_plan_json(document);
  if (!outcomes) return std::unexpected(outcomes.error());
  return write_plan_plots(*outcomes, options.out, options.theme);
}

}  // namespace

int run_plot(const PlotOptions& options) {
  std::ifstream file(options.file, std::ios::binary);
  // A directory opens, and fails when it is read.
  if (!file || (file.peek(), file.bad())) {
    log::error("cannot read {}: {}", options.file, std::generic_category().message(errno == 0 ? EIO : errno));
    return exit_misused;
  }
  file.clear();
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto paths = plot_any(text, options);
  if (!paths) {
    log::error("{}: {}", options.file, paths.error().message);
    return paths.error().code == Code::io ? exit_failed : exit_misused;
  }
  for (const auto& path : *paths)
    fmt::print("{}\n", path);
  return exit_fine;
}

}  // namespace fluxmetrics::commands
