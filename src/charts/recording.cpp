#include "charts/recording.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <sstream>
#include <string_view>

#include <boost/json.hpp>

#include "charts/file.hpp"

namespace fluxmetrics::charts {

namespace json = boost::json;

namespace {

// A number, or one for each of several labels; null where there was none then.
void take_metric(Recording& lines, std::string_view name, const json::value& value, double t) {
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

// Lines over the time since the recording began, in a unit that fits all of it.
Chart chart_over_time(std::string title, std::vector<ChartSeries> lines, const std::string& theme) {
  double span = 0;
  for (const auto& line : lines) {
    for (const auto& [t, value] : line.points)
      span = std::max(span, t);
  }
  const auto unit = time_unit(span);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i].dashes = dashes_of(i);
    for (auto& [t, value] : lines[i].points)
      t /= unit.seconds;
  }
  return {.title = std::move(title), .x_label = unit.name, .series = std::move(lines), .theme = theme};
}

// Metrics that belong together.
struct UsualChart {
  std::string_view file, title, unit;
  std::vector<std::string_view> names;
};

std::vector<UsualChart> usual_charts() {
  return {{"nodes.svg",
           "Nodes",
           "nodes",
           {"node_up_count", "node_allocated_count", "node_drained_count", "node_wanted_count",
            "node_wanted_all_count"}},
          {"jobs.svg", "Jobs", "jobs", {"job_pending_count", "job_running_count", "job_eligible_count"}},
          {"wait.svg", "The oldest job that waits", "seconds", {"job_wait_oldest_seconds"}}};
}

// The lines of a metric: its own and those of its labels.
void add_lines(std::vector<ChartSeries>& lines, const Recording& recording, std::string_view metric) {
  for (const auto& [line, one] : recording) {
    if (line == metric || line.starts_with(fmt::format("{}{{", metric))) lines.push_back(one);
  }
}

}  // namespace

Result<Recording> read_recording(const std::string& text) {
  Recording series;
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

std::vector<NamedChart> chart_recording(const Recording& recording, const std::string& theme) {
  std::vector<NamedChart> charts;
  for (const auto& usual : usual_charts()) {
    std::vector<ChartSeries> lines;
    for (const auto name : usual.names)
      add_lines(lines, recording, name);
    if (lines.empty()) continue;
    auto chart = chart_over_time(std::string(usual.title), std::move(lines), theme);
    chart.y_label = usual.unit;
    charts.push_back({.file = std::string(usual.file), .chart = std::move(chart)});
  }
  if (!charts.empty()) return charts;
  std::map<std::string, std::vector<ChartSeries>> metrics;
  for (const auto& [line, one] : recording)
    metrics[line.substr(0, line.find('{'))].push_back(one);
  for (auto& [name, lines] : metrics) {
    charts.push_back(
        {.file = file_name(name) + ".svg", .chart = chart_over_time(name, std::move(lines), theme)});
  }
  return charts;
}

}  // namespace fluxmetrics::charts
