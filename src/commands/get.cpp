#include "commands/get.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <memory>
#include <pthread.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>

#include "api/own_metrics.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "commands/common_options.hpp"
#include "commands/output.hpp"
#include "instance/state_json.hpp"
#include "kube/go_yaml.hpp"
#include "metrics/catalogue.hpp"
#include "metrics/prometheus.hpp"
#include "metrics/record.hpp"
#include "metrics/reference.hpp"
#include "server/broker.hpp"
#include "server/pipeline.hpp"

namespace fluxmetrics::commands {
namespace {

namespace json = boost::json;

// A recording shows that its recorder lives even while nothing changes.
constexpr auto sign_of_life = std::chrono::seconds(60);

bool chosen(const GetOptions& options, const metrics::Family& family) {
  return options.metrics.empty() ||
         std::ranges::find(options.metrics, family.description->name) != options.metrics.end();
}

metrics::Chosen chooser(const GetOptions& options) {
  return [&options](const metrics::Family& family) { return chosen(options, family); };
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
      rows.push_back(
          {name, labels_text(item.labels), fmt::format("{}", std::round(item.value * 1000) / 1000), unit});
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

// Prints one snapshot after another in the way that was asked for.
class Printer {
 public:
  explicit Printer(const GetOptions& options) : options_(options), redraws_(::isatty(STDOUT_FILENO) == 1) {}

  void print(const metrics::Snapshot& snapshot) {
    if (options_.output == "table" && !options_.state) {
      between_tables();
      print_table(options_, snapshot);
    } else {
      const json::value document = options_.state
                                       ? instance::state_json(*snapshot.state, snapshot.confirmed.wall)
                                       : metrics::to_document(snapshot, chooser(options_));
      if (options_.output == "yaml") {
        fmt::print("{}{}", first_ ? "" : "---\n", kube::go_yaml(document));
      } else {
        fmt::print("{}\n", json_text(document));
      }
    }
    flush_output();
    first_ = false;
  }

 private:
  void between_tables() const {
    if (redraws_ && options_.watch) {
      fmt::print("\x1b[H\x1b[2J");  // from the top of an empty screen
    } else if (!first_) {
      fmt::print("\n");
    }
  }

  const GetOptions& options_;
  bool redraws_;
  bool first_ = true;
};

// Appends lines to the file of --record.
class Recorder {
 public:
  // Errors: the file cannot be opened; the sentence names it.
  static Result<Recorder> open(const std::string& path) {
    Recorder recorder;
    if (path.empty()) return recorder;
    recorder.file_.open(path, std::ios::app);
    if (!recorder.file_)
      return fail_errno(Code::io, errno, "cannot append to {}: {}", path,
                        std::generic_category().message(errno));
    recorder.path_ = path;
    return recorder;
  }
  [[nodiscard]] bool active() const { return !path_.empty(); }
  // Errors: what was written did not reach the file.
  Result<void> append(const std::string& line) {
    if (!active()) return {};
    file_ << line << '\n' << std::flush;
    if (!file_) return fail(Code::io, "cannot write to {}: is the disk full?", path_);
    return {};
  }

 private:
  std::string path_;
  std::ofstream file_;
};

// Sleeps for a moment; true when somebody asked this program to end meanwhile.
bool told_to_end(const sigset_t& signals) {
  constexpr timespec moment{.tv_sec = 0, .tv_nsec = 20'000'000};
  return sigtimedwait(&signals, nullptr, &moment) > 0;
}

// Prints and records each snapshot whose values differ from those before, until a signal comes.
int watch(const GetOptions& options, const metrics::Store& store, Recorder& recorder,
          const sigset_t& signals) {
  Printer printer(options);
  std::uint64_t seen = 0;
  std::string values;
  std::shared_ptr<const instance::InstanceState> state;
  std::string trouble;
  MonoTime recorded{};
  for (;;) {
    const auto view = store.view();
    if (view.trouble != trouble && !view.trouble.empty()) log::error("no fresh values: {}", view.trouble);
    trouble = view.trouble;
    if (view.snapshot && view.snapshot->generation != seen) {
      const auto& snapshot = *view.snapshot;
      seen = snapshot.generation;
      auto now_values = metrics::values_text(snapshot, chooser(options));
      const bool changed = options.state ? snapshot.state != state : now_values != values;
      values = std::move(now_values);
      state = snapshot.state;
      if (changed || snapshot.confirmed.mono - recorded >= sign_of_life) {
        recorded = snapshot.confirmed.mono;
        if (const auto kept = recorder.append(metrics::to_record(snapshot, chooser(options))); !kept)
          return ends_with(exit_failed, kept.error());
      }
      if (changed) printer.print(snapshot);
    }
    if (told_to_end(signals)) return exit_fine;
  }
}

// What there is to know without any instance.
int print_catalogue(const GetOptions& options, const metrics::Catalogue& catalogue) {
  const auto own = api::OwnMetrics::families();
  if (options.output == "json") {
    fmt::print("{}\n", json::serialize(metrics::catalogue_document(own, catalogue)));
  } else if (options.output == "yaml") {
    fmt::print("{}", kube::go_yaml(metrics::catalogue_document(own, catalogue)));
  } else {
    fmt::print("{}\n{}\n{}", metrics::catalogue_table(catalogue),
               metrics::exposed_table(metrics::instance_families()), metrics::exposed_table(own));
  }
  return exit_fine;
}

}  // namespace

void add_get(Command& program) {
  auto options = std::make_shared<GetOptions>();
  auto& o = *options;
  auto command = program.add_command("get", "Show an instance's metrics");
  command.footer(
      "Examples:\n"
      "  flux-metrics-api get\n"
      "  flux-metrics-api get node_wanted_count job_count -o json\n"
      "  flux-metrics-api get --watch node_up_count job_pending_count\n"
      "  flux-metrics-api get --watch --record run.jsonl >/dev/null\n"
      "  flux-metrics-api get --state | jq '.jobs[] | select(.state == \"sched\") | .id'\n"
      "  flux-metrics-api get --custom-metric examples/held-jobs.yaml job_held_count\n"
      "Without --watch there is no history: --hold has no effect, and rates have no value.\n"
      "A server (start) has one, so its node_wanted_count may be larger.\n"
      "docs/get.md describes the formats.");
  auto names = command.option("metrics", o.metrics, "Metrics to show [all]");
  auto form = command.option("-o,--output", o.output, "table, json or yaml; markdown with --catalogue");
  form.shows_default().one_of({"table", "json", "yaml", "markdown"});
  auto watch = command.flag("-w,--watch", o.watch, "Keep running and show the values whenever one changes");
  auto record =
      command.option("--record", o.record, "Append the metrics to this file, one JSON line per snapshot");
  auto catalogue =
      command.flag("--catalogue", o.catalogue, "List the metrics that exist, without values or a broker");
  catalogue.excludes(names).excludes(watch).excludes(record);
  command
      .flag("--state", o.state, "Show the instance's state (nodes, queues, jobs) as JSON instead of metrics")
      .excludes(names)
      .excludes(catalogue)
      .excludes(record);
  add_custom_metrics(command, o.custom_metrics);
  add_flux_uri(command, o.flux_uri);
  command.duration("--timeout", o.timeout, "How long to wait for a broker", shortest);
  add_policy(command, o.policy);
  command.runs([options] { return run_get(*options); },
               [options, form]() -> std::string {
                 if (!form.given() || options->output != "table" || !(options->state || options->catalogue))
                   return "";
                 return "-o table is for values only: --state is printed as json or yaml, --catalogue also "
                        "as markdown";
               });
}

int run_get(const GetOptions& options) {
  auto found = server::find_all(options.flux_uri, options.policy, options.custom_metrics, options.timeout);
  if (!found) return ends_with(exit_misused, found.error());
  const auto& catalogue = found->catalogue;
  if (options.catalogue) return print_catalogue(options, *catalogue);
  if (options.output == "markdown") {
    log::error("-o markdown is for --catalogue only: values are printed as table, json or yaml");
    return exit_misused;
  }
  for (const auto& name : options.metrics) {
    if (catalogue->find(name) != nullptr) continue;
    std::vector<std::string> names;
    for (const auto& description : *catalogue)
      names.emplace_back(description.name);
    const auto meant = nearest(name, names);
    log::error("there is no metric {}{}; there are: {}", printable(name),
               meant.empty() ? "" : fmt::format(" (did you mean {}?)", meant), fmt::join(names, " "));
    return exit_misused;
  }
  if (!log::enabled(log::Level::debug)) log::set_level(log::Level::error);  // the table is the answer

  auto recorder = Recorder::open(options.record);
  if (!recorder) return ends_with(exit_misused, recorder.error());
  sigset_t signals;
  sigemptyset(&signals);
  if (options.watch) {
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // the collector's thread inherits it
  }

  server::Pipeline pipeline(found->broker, options.policy, options.timeout, std::move(found->user));
  pipeline.start();
  bool ended = false;
  const auto view = pipeline.await_values(options.timeout, [&] {
    ended = options.watch && told_to_end(signals);
    return ended;
  });
  if (ended) return exit_fine;
  if (view.snapshot == nullptr) {
    log::error("no metrics within {:g} s: {}{}", options.timeout.count(), view.trouble,
               server::way_to_a_broker(found->broker));
    return exit_failed;
  }
  if (options.watch) return watch(options, pipeline.store(), *recorder, signals);
  Printer(options).print(*view.snapshot);
  if (const auto kept = recorder->append(metrics::to_record(*view.snapshot, chooser(options))); !kept)
    return ends_with(exit_failed, kept.error());
  return exit_fine;
}

}  // namespace fluxmetrics::commands
