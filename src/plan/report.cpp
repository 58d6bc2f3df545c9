#include "plan/report.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <boost/json.hpp>

#include "charts/file.hpp"
#include "charts/svg.hpp"
#include "kube/fields.hpp"

namespace fluxmetrics::plan {
namespace json = boost::json;
namespace {

std::vector<PlanOutcome> read_outcomes(const kube::JsonField& document) {
  std::vector<PlanOutcome> outcomes;
  for (const auto& item : document.need("strategies").items()) {
    PlanOutcome outcome{.strategy = item.need("strategy").text()};
    outcome.jobs = static_cast<std::uint64_t>(item.need("jobs").integer(0));
    outcome.finished = static_cast<std::uint64_t>(item.need("finished").integer(0));
    outcome.mean_wait = item.need("meanWait").number();
    outcome.node_hours = item.need("nodeHours").number();
    outcome.p95_wait = item.need("p95Wait").number();
    for (const auto& wait : item.need("waits").items())
      outcome.waits.push_back(wait.number());
    for (const auto& point : item.need("points").items()) {
      const auto numbers = point.items();
      if (numbers.size() != 5) point.refuse("is not a list of t, size, up, demand and queue");
      const auto count = [&](std::size_t i) {
        return static_cast<std::uint32_t>(numbers[i].integer(0, UINT32_MAX));
      };
      outcome.points.push_back({.t = numbers[0].number(),
                                .size = count(1),
                                .up = count(2),
                                .demand = count(3),
                                .queue = count(4)});
    }
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

charts::TimeUnit unit_of(const PlanOutcome& outcome) {
  return charts::time_unit(outcome.points.empty() ? 0 : outcome.points.back().t);
}

charts::Chart over_time(const PlanOutcome& outcome, const std::string& theme) {
  const auto unit = unit_of(outcome);
  charts::Chart chart{.title = fmt::format("{}: size, nodes and demand", outcome.strategy),
                      .x_label = unit.name,
                      .y_label = "nodes",
                      .theme = theme};
  charts::ChartSeries size{.name = "size", .dashes = charts::dashes_of(1), .steps = true};
  charts::ChartSeries up{.name = "nodes up", .steps = true};
  charts::ChartSeries demand{.name = "demand (at most twice the largest size)", .steps = true};
  std::uint32_t largest = 1;
  for (const auto& point : outcome.points)
    largest = std::max(largest, point.size);
  for (const auto& point : outcome.points) {
    const double t = point.t / unit.seconds;
    size.points.emplace_back(t, point.size);
    up.points.emplace_back(t, point.up);
    demand.points.emplace_back(t, std::min(point.demand, 2 * largest));
  }
  chart.series = {std::move(demand), std::move(up), std::move(size)};
  return chart;
}

charts::Chart queues(std::span<const PlanOutcome> outcomes, const std::string& theme) {
  const auto longest = std::ranges::max_element(outcomes, {}, [](const PlanOutcome& outcome) {
    return outcome.points.empty() ? 0 : outcome.points.back().t;
  });
  const auto unit = longest == outcomes.end() ? charts::time_unit(0) : unit_of(*longest);
  charts::Chart chart{.title = "Jobs that wait",
                      .x_label = unit.name,
                      .y_label = "jobs (logarithmic)",
                      .y_scale = charts::ChartScale::logarithmic_from_zero,
                      .theme = theme};
  for (const auto& outcome : outcomes) {
    charts::ChartSeries series{
        .name = outcome.strategy, .dashes = charts::dashes_of(chart.series.size()), .steps = true};
    for (const auto& point : outcome.points)
      series.points.emplace_back(point.t / unit.seconds, point.queue);
    chart.series.push_back(std::move(series));
  }
  return chart;
}

charts::Chart wait_shares(std::span<const PlanOutcome> outcomes, const std::string& theme) {
  charts::Chart chart{.title = "Share of the jobs that waited no longer",
                      .x_label = "seconds of waiting (logarithmic)",
                      .y_label = "% of jobs",
                      .x_scale = charts::ChartScale::logarithmic_from_zero,
                      .theme = theme};
  for (const auto& outcome : outcomes) {
    charts::ChartSeries series{.name = outcome.strategy, .dashes = charts::dashes_of(chart.series.size())};
    // Of all jobs: what never ended never stopped waiting.
    const double ended =
        outcome.jobs == 0 ? 0
                          : static_cast<double>(outcome.finished) * 100 / static_cast<double>(outcome.jobs);
    const auto last = static_cast<double>(std::max<std::size_t>(outcome.waits.size(), 2) - 1);
    for (std::size_t i = 0; i < outcome.waits.size(); ++i)
      series.points.emplace_back(outcome.waits[i], static_cast<double>(i) / last * ended);
    chart.series.push_back(std::move(series));
  }
  return chart;
}

charts::Chart cost_and_wait(std::span<const PlanOutcome> outcomes, const std::string& theme) {
  charts::Chart chart{.title = "Cost against waiting: best is below and left",
                      .x_label = "node-hours",
                      .y_label = "95th percentile of the wait, seconds",
                      .theme = theme};
  for (const auto& outcome : outcomes) {
    // Few node-hours are no merit where the work is not done.
    const auto name = outcome.finished == outcome.jobs
                          ? outcome.strategy
                          : fmt::format("{} ({:.1f} % done)", outcome.strategy,
                                        static_cast<double>(outcome.finished) * 100 /
                                            static_cast<double>(std::max<std::uint64_t>(outcome.jobs, 1)));
    chart.series.push_back({.name = name, .points = {{outcome.node_hours, outcome.p95_wait}}, .dots = true});
  }
  return chart;
}

}  // namespace

std::string plan_table(std::span<const PlanOutcome> outcomes) {
  std::size_t width = 13;
  for (const auto& o : outcomes)
    width = std::max(width, o.strategy.size());
  auto out =
      fmt::format("{:<{}} {:>9} {:>10} {:>10} {:>10} {:>11} {:>6} {:>8} {:>7}\n", "STRATEGY", width,
                  "FINISHED", "MAKESPAN", "MEAN WAIT", "P95 WAIT", "NODE-HOURS", "UTIL", "RESIZES", "KILLED");
  for (const auto& o : outcomes) {
    const auto finished =
        o.finished == o.jobs
            ? "all"
            : fmt::format("{:.1f} %", static_cast<double>(o.finished) * 100 / static_cast<double>(o.jobs));
    out += fmt::format("{:<{}} {:>9} {:>8.0f} s {:>8.1f} s {:>8.1f} s {:>11.1f} {:>4.0f} % {:>8} {:>7}\n",
                       o.strategy, width, finished, o.makespan, o.mean_wait, o.p95_wait, o.node_hours,
                       o.utilisation * 100, o.resizes, o.killed);
  }
  return out;
}

std::string plan_csv(std::span<const PlanOutcome> outcomes) {
  std::string out =
      "strategy,jobs,finished,makespan_seconds,mean_wait_seconds,p95_wait_seconds,node_hours,utilisation,"
      "resizes,"
      "killed\n";
  for (const auto& o : outcomes) {
    out += fmt::format("{},{},{},{:.3f},{:.3f},{:.3f},{:.4f},{:.5f},{},{}\n", o.strategy, o.jobs, o.finished,
                       o.makespan, o.mean_wait, o.p95_wait, o.node_hours, o.utilisation, o.resizes, o.killed);
  }
  return out;
}

json::value plan_json(std::span<const PlanOutcome> outcomes, const PlanSetup& setup,
                      const std::string& trace) {
  json::array strategies;
  for (const auto& o : outcomes) {
    json::array points;
    for (const auto& p : o.points)
      points.push_back(json::array{p.t, p.size, p.up, p.demand, p.queue});
    strategies.push_back(json::object{{"strategy", o.strategy},
                                      {"jobs", o.jobs},
                                      {"finished", o.finished},
                                      {"makespan", o.makespan},
                                      {"meanWait", o.mean_wait},
                                      {"p95Wait", o.p95_wait},
                                      {"nodeHours", o.node_hours},
                                      {"utilisation", o.utilisation},
                                      {"resizes", o.resizes},
                                      {"killed", o.killed},
                                      {"waits", json::array(o.waits.begin(), o.waits.end())},
                                      {"points", std::move(points)}});
  }
  return json::object{{"format", plan_format},
                      {"trace", trace},
                      {"seed", setup.seed},
                      {"kubernetes", to_string(setup.kubernetes)},
                      {"min", setup.min},
                      {"max", setup.max},
                      {"cores", setup.cores},
                      {"podGrace", setup.pod_grace},
                      {"strategies", std::move(strategies)}};
}

Result<std::vector<PlanOutcome>> read_plan_json(const json::value& document) {
  try {
    return read_outcomes(kube::JsonField(&document, ""));
  } catch (const kube::ShapeError& wrong) {
    return fail(Code::invalid, "{}", wrong.sentence);
  }
}

Result<std::vector<std::string>> write_plan_plots(std::span<const PlanOutcome> outcomes,
                                                  const std::string& directory, const std::string& theme) {
  std::vector<std::pair<std::string, charts::Chart>> charts;
  for (const auto& outcome : outcomes) {
    charts.emplace_back(fmt::format("size-{}.svg", charts::file_name(outcome.strategy)),
                        over_time(outcome, theme));
  }
  charts.emplace_back("queue.svg", queues(outcomes, theme));
  charts.emplace_back("waits.svg", wait_shares(outcomes, theme));
  charts.emplace_back("cost.svg", cost_and_wait(outcomes, theme));
  std::vector<std::string> paths;
  for (const auto& [name, chart] : charts) {
    auto path = charts::write_plot(directory, name, charts::to_svg(chart));
    if (!path) return std::unexpected(path.error());
    paths.push_back(std::move(*path));
  }
  return paths;
}

}  // namespace fluxmetrics::plan
