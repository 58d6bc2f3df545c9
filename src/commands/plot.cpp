#include "commands/plot.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <system_error>

#include <boost/json.hpp>

#include "base/byte_order_mark.hpp"
#include "base/log.hpp"
#include "charts/file.hpp"
#include "charts/recording.hpp"
#include "charts/timings.hpp"
#include "commands/common_options.hpp"
#include "commands/output.hpp"
#include "plan/report.hpp"

namespace fluxmetrics::commands {
namespace json = boost::json;
namespace {

using Paths = Result<std::vector<std::string>>;

Paths write_charts(const std::vector<charts::NamedChart>& drawn, const PlotOptions& options) {
  std::vector<std::string> paths;
  for (const auto& [file, chart] : drawn) {
    for (const auto& box : chart.boxes)
      fmt::print("{}: median {:.1f} s of {}\n", box.name, charts::quantile_of(box.values, 0.5),
                 box.values.size());
    auto path = charts::write_plot(options.out, file, charts::to_svg(chart));
    if (!path) return std::unexpected(path.error());
    paths.push_back(std::move(*path));
  }
  return paths;
}

Paths plot_timings(const std::string& text, const PlotOptions& options) {
  const auto timings = charts::read_timings(text);
  if (!timings) return std::unexpected(timings.error());
  return write_charts(charts::chart_timings(*timings, !options.no_outliers, options.theme), options);
}

Paths plot_recording(const std::string& text, const PlotOptions& options) {
  const auto recording = charts::read_recording(text);
  if (!recording) return std::unexpected(recording.error());
  return write_charts(charts::chart_recording(*recording, options.theme), options);
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
