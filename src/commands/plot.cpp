#include "commands/plot.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <ranges>
#include <sstream>
#include <system_error>

#include <boost/json.hpp>

#include "base/byte_order_mark.hpp"
#include "base/csv.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "charts/file.hpp"
#include "charts/svg.hpp"
#include "commands/common_options.hpp"
#include "commands/output.hpp"
#include "plan/report.hpp"

namespace fluxmetrics::commands {
namespace json = boost::json;
namespace {

using Paths = Result<std::vector<std::string>>;

std::optional<double> number(const std::string& text) {
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Timings of nodes by machine type and by how many came or went at once.
using Timings = std::map<std::string, std::map<int, std::vector<double>>>;

Result<Timings> read_timings(const std::string& text) {
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
    const auto a = number(cells[from]);
    const auto b = number(cells[to]);
    const auto took = number(cells[seconds]);
    if (!a || !b || !took || std::abs(*b - *a) > 1e6)
      return fail(Code::invalid, "line {} has a cell that is not a number", at);
    if (*a == *b) return fail(Code::invalid, "line {}: from_nodes and to_nodes are both {}", at, *a);
    timings[cells[type]][static_cast<int>(*b - *a)].push_back(*took);
  }
  if (timings.empty()) return fail(Code::invalid, "there are no timings in it");
  return timings;
}

// Whether a few values are so far away that nothing would be seen of the boxes on a linear scale.
bool far_apart(const std::vector<charts::ChartBox>& boxes) {
  constexpr double far = 10;
  return std::ranges::all_of(boxes,
                             [](const charts::ChartBox& box) { return std::ranges::min(box.values) > 0; }) &&
         std::ranges::any_of(boxes, [](const charts::ChartBox& box) {
           return std::ranges::max(box.values) > far * charts::quantile_of(box.values, 0.5);
         });
}

Paths plot_timings(const std::string& text, const PlotOptions& options) {
  const auto timings = read_timings(text);
  if (!timings) return std::unexpected(timings.error());
  std::vector<std::string> paths;
  for (const bool adding : {true, false}) {
    charts::Chart chart{.title = fmt::format("Time to {} nodes{}", adding ? "add" : "remove",
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
    if (!options.no_outliers && far_apart(chart.boxes)) {
      chart.y_scale = charts::ChartScale::logarithmic;
      chart.y_label = "seconds (logarithmic)";
    }
    for (const auto& box : chart.boxes)
      fmt::print("{}: median {:.1f} s of {}\n", box.name, charts::quantile_of(box.values, 0.5),
                 box.values.size());
    auto path = charts::write_plot(options.out, adding ? "nodes-added.svg" : "nodes-removed.svg",
                                   charts::to_svg(chart));
    if (!path) return std::unexpected(path.error());
    paths.push_back(std::move(*path));
  }
  return paths;
}

using Lines = std::map<std::string, charts::ChartSeries>;

// A number, or one for each of several labels; null where there was none then.
void take_metric(Lines& lines, std::string_view name, const json::value& value, double t) {
  const auto add = [&](const std::string& line, const json::value& number) {
    if (!number.is_number()) return;
    auto& one = lines[line];
    one.name = line;
    one.steps = true;
    one.points.emplace_back(t, number.to_number<double>());
  };
  add(std::string(name), value);
  if (!value.is_array()) return;
  for (const auto& item : value.get_array()) {
    const auto* object = item.if_object();
    const auto* labels = object == nullptr ? nullptr : object->if_contains("labels");
    const auto* number = object == nullptr ? nullptr : object->if_contains("value");
    if (labels == nullptr || !labels->is_object() || number == nullptr) continue;
    std::string values;
    for (const auto& [label, text] : labels->get_object()) {
      if (!text.is_string() || text.get_string().empty()) continue;  // the anonymous queue
      values += (values.empty() ? "" : ",") + std::string(text.get_string());
    }
    add(values.empty() ? std::string(name) : fmt::format("{}{{{}}}", std::string_view(name), values),
        *number);
  }
}

// The numbers of a recording, metric by metric: seconds since its begin, value.
Result<Lines> read_recording(const std::string& text) {
  Lines series;
  std::istringstream lines(text);
  std::optional<double> begin;
  std::string line;
  for (std::size_t at = 1; std::getline(lines, line); ++at) {
    if (line.empty()) continue;
    boost::system::error_code broken;
    const auto document = json::parse(line, broken);
    if (broken && lines.eof() && !series.empty()) break;  // whoever wrote it was stopped in mid-line
    const auto* object = broken ? nullptr : document.if_object();
    const auto* time = object == nullptr ? nullptr : object->if_contains("time");
    const auto* metrics = object == nullptr ? nullptr : object->if_contains("metrics");
    if (time == nullptr || !time->is_number() || metrics == nullptr || !metrics->is_object()) {
      return fail(Code::invalid,
                  "line {} is not what get --record writes, and the file is not output of plan -o json: see "
                  "--help. To play a workload, use plan --trace",
                  at);
    }
    const double now = time->to_number<double>();
    if (!begin) begin = now;
    for (const auto& [name, value] : metrics->get_object())
      take_metric(series, name, value, now - *begin);
  }
  if (series.empty()) return fail(Code::invalid, "there are no numbers in it");
  return series;
}

// Lines over the time since the recording began, in a unit that fits all of it.
charts::Chart recording_chart(const std::string& title, std::vector<charts::ChartSeries> lines,
                              const PlotOptions& options) {
  double span = 0;
  for (const auto& line : lines) {
    for (const auto& [t, value] : line.points)
      span = std::max(span, t);
  }
  const auto unit = charts::time_unit(span);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i].dashes = charts::dashes_of(i);
    for (auto& [t, value] : lines[i].points)
      t /= unit.seconds;
  }
  return {.title = title, .x_label = unit.name, .series = std::move(lines), .theme = options.theme};
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
    std::vector<charts::ChartSeries> lines;
    for (const auto name : group.names) {
      for (const auto& [line, one] : *series) {
        if (line == name || line.starts_with(fmt::format("{}{{", name))) lines.push_back(one);
      }
    }
    if (lines.empty()) continue;
    auto chart = recording_chart(std::string(group.title), std::move(lines), options);
    chart.y_label = group.unit;
    auto path = charts::write_plot(options.out, std::string(group.file), charts::to_svg(chart));
    if (!path) return std::unexpected(path.error());
    paths.push_back(std::move(*path));
  }
  if (!paths.empty()) return paths;
  // None of the usual ones: each of those that there are.
  std::map<std::string, std::vector<charts::ChartSeries>> metrics;
  for (const auto& [line, one] : *series)
    metrics[line.substr(0, line.find('{'))].push_back(one);
  for (const auto& [name, lines] : metrics) {
    auto path = charts::write_plot(options.out, charts::file_name(name) + ".svg",
                                   charts::to_svg(recording_chart(name, lines, options)));
    if (!path) return std::unexpected(path.error());
    paths.push_back(std::move(*path));
  }
  return paths;
}

Paths plot_any(const std::string& file, const PlotOptions& options) {
  const std::string text(without_byte_order_mark(file));
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return fail(Code::invalid, "it is empty");
  if (text[first] != '{') return plot_timings(text, options);
  if (options.no_outliers)
    return fail(Code::invalid, "--no-outliers is for node timings (CSV) only: nothing else has box plots");
  boost::system::error_code broken;
  const auto document = json::parse(text, broken);
  const auto* object = broken ? nullptr : document.if_object();
  const auto* format = object == nullptr ? nullptr : object->if_contains("format");
  // JSON lines have more after the first.
  if (broken && text.find('\n', first) >= text.find_last_not_of(" \t\r\n"))
    return fail(Code::invalid, "it is truncated or not JSON: {}", broken.message());
  if (format == nullptr || !format->is_string() || format->get_string() != plan::plan_format) {
    return plot_recording(text, options);
  }
  const auto outcomes = plan::read_plan_json(document);
  if (!outcomes) return std::unexpected(outcomes.error());
  return plan::write_plan_plots(*outcomes, options.out, options.theme);
}

}  // namespace

void add_plot(Command& program) {
  auto options = std::make_shared<PlotOptions>();
  auto& o = *options;
  auto command = program.add_command("plot", "Draw what other commands have measured: SVG files");
  command.footer(
      "Examples:\n"
      "  flux-metrics-api plan --trace examples/daily.jsonl -o json > plan.json\n"
      "  flux-metrics-api plot plan.json --out plots\n"
      "  flux-metrics-api get --watch --record run.jsonl; flux-metrics-api plot run.jsonl\n"
      "  echo machine_type,from_nodes,to_nodes,seconds > nodes.csv\n"
      "  echo small,1,2,31.5 >> nodes.csv\n"
      "  flux-metrics-api plot nodes.csv --no-outliers");
  command.option("file", o.file, "Output of plan -o json or get --record, or timings of nodes (CSV)")
      .required();
  command.option("--out", o.out, "Directory for the plots").shows_default().check(not_empty());
  add_theme(command, o.theme);
  command.flag("--no-outliers", o.no_outliers, "Leave outliers out of box plots");
  command.runs([options] { return run_plot(*options); });
}

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
    if (paths.error().code == Code::io) return ends_with(exit_failed, paths.error());
    log::error("{}: {}", options.file, paths.error().message);
    return exit_misused;
  }
  for (const auto& path : *paths)
    fmt::print("{}\n", path);
  return exit_fine;
}

}  // namespace fluxmetrics::commands
