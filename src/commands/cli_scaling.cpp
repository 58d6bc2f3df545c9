// The command line of explain, plan and plot: commands that tell beforehand.
#include <fmt/format.h>
#include <string>

#include <CLI/CLI.hpp>

#include "commands/arguments.hpp"
#include "commands/cli_commands.hpp"
#include "commands/cli_options.hpp"

namespace fluxmetrics::commands {
namespace {

CLI::Option* add_theme(CLI::App* sub, std::string& theme) {
  return sub->add_option("--theme", theme, "Colours of the plots: auto follows the reader's screen")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "light", "dark"}));
}

CLI::App* add_record(CLI::App* plan, RecordOptions& o) {
  auto* sub = plan->add_subcommand("record", "Record the jobs of a running instance as a trace");
  sub->footer(
      "Example:\n"
      "  flux-metrics-api plan record day.jsonl --duration 24h\n"
      "  flux-metrics-api plan --trace day.jsonl --max 64\n"
      "What runs or waits in the end is recorded too, as docs/plan.md says.");
  sub->add_option("file", o.out, "A new file for the trace [standard output]");
  add_flux_uri(sub, o.flux_uri);
  add_any_duration(sub, "--duration", o.duration, "End after so long [when a signal comes]");
  add_whole(sub, "--jobs", o.jobs, "End when so many jobs have ended", 1);
  add_duration(sub, "--interval", o.interval, "From one look at the instance to the next", shortest);
  return sub;
}

}  // namespace

void add_explain(CLI::App& app, Commands& c) {
  auto& o = c.explain;
  auto* sub =
      app.add_subcommand("explain", "Say what a HorizontalPodAutoscaler will do, and what is wrong with it");
  sub->footer(
      "Examples:\n"
      "  flux-metrics-api explain deploy/hpa.yaml --replicas 2 --metric node_wanted_count=4\n"
      "  kubectl get hpa flux-sample -o yaml | flux-metrics-api explain -\n"
      "  flux-metrics-api explain -n flux-operator flux-sample --kubeconfig ~/.kube/config\n"
      "  flux-metrics-api explain tests/e2e/manifests/article-hpa.yaml --fix > better.yaml\n"
      "  flux-metrics-api explain hpa.yaml --kubernetes-version 1.34 --metric node_wanted_count=4\n"
      "docs/explain.md tells what is looked at.");
  sub->add_option("hpa", o.hpa,
                  "File with the HPA, - for standard input; with --namespace the name of one in a cluster")
      ->required();
  sub->add_option("-n,--namespace", o.namespace_,
                  "Read the HPA of this namespace, its target and metrics from the cluster");
  sub->add_option("--kubeconfig", o.kubeconfig,
                  "How to reach the cluster [KUBECONFIG, else the pod's service account]");
  sub->add_option("--metric", o.metrics,
                  "What a metric is now (repeatable); of a utilization, the percentage")
      ->type_name("NAME=VALUE");
  add_custom_metrics(sub, o.custom_metrics);
  sub->add_option(
      "--flux-uri", o.flux_uri,
      "Broker whose values stand for those that --metric does not give, local:///PATH [none is asked]");
  const auto count = [&](const char* name, std::optional<std::int32_t>& target, const char* help) {
    add_whole(sub, name, target, help, 0, 2'000'000'000);
  };
  count("--replicas", o.replicas, "Present size of the target [minReplicas]");
  count("--status", o.status, "Size that the target's status says [--replicas]");
  count("--ready", o.ready, "How many of its pods are ready [--replicas]");
  count("--max-size", o.max_size, "maxSize of the MiniCluster");
  add_kubernetes_version(
      sub, o.kubernetes_version,
      fmt::format("with --namespace the cluster's own, else {}", to_string(hpa::newest_kubernetes)));
  add_duration(sub, "--for", o.span, "How far to look ahead");
  add_duration(sub, "--timeout", o.timeout, "Give up when no broker answers for so long", shortest);
  sub->add_option("-o,--output", o.output, "text, json or yaml")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json", "yaml"}));
  sub->add_flag("--fix", o.fix, "Print the corrected HPA, with a comment for each change");
  sub->callback([&c] { c.run = [&c] { return run_explain(c.explain); }; });
}

void add_plan(CLI::App& app, Commands& c) {
  auto& o = c.plan;
  auto* sub = app.add_subcommand("plan", "Play autoscalers over a workload, before a cluster does");
  sub->footer(
      "Examples:\n"
      "  flux-metrics-api plan --trace examples/daily.jsonl --max 64\n"
      "  flux-metrics-api plan --trace examples/burst.jsonl --strategy wanted-drain --strategy cpu --plots "
      "out\n"
      "  flux jobs -A -a -c0 --json | flux-metrics-api plan --trace -\n"
      "  flux-metrics-api plan record day.jsonl --duration 24h\n"
      "  flux-metrics-api plan --workload burst --seed 7\n"
      "The decisions of a real HPA controller against this program's:\n"
      "  flux-metrics-api plan --vectors tests/data/hpa/edge.jsonl\n"
      "  flux-metrics-api plan --vectors tests/data/hpa/kubernetes-1.37.jsonl\n"
      "docs/plan.md describes the formats and the model.");
  auto* vectors =
      sub->add_option(
             "--vectors", o.vectors,
             "Compare with recorded decisions of an HPA controller: JSON lines, - for standard input")
          ->type_name("FILE");
  auto* trace = sub->add_option("--trace", o.trace,
                                "Jobs to play: JSON lines (docs/simulate.md), or a list of flux jobs --json; "
                                "- for standard input")
                    ->type_name("FILE")
                    ->excludes(vectors);
  sub->add_option("--workload", o.workload,
                  "Jobs that are made with --seed, for 64 nodes of 8 cores: daily or burst")
      ->check(CLI::IsMember({"daily", "burst"}))
      ->excludes(vectors)
      ->excludes(trace);
  sub->add_option(
      "--strategy", o.strategies,
      "Play this one only (repeatable): static, article, cpu, pending, wanted, wanted-drain, clairvoyant");
  add_whole(sub, "--min", o.min, "Fewest nodes", 1, 100'000)->capture_default_str();
  add_whole(sub, "--max", o.max, "Most nodes", 1, 100'000)->capture_default_str();
  add_whole(sub, "--cores", o.cores, "Cores of a node", 1, 10'000)->capture_default_str();
  add_whole(sub, "--seed", o.seed, "Of the random numbers")->capture_default_str();
  add_duration(sub, "--period", o.period, "From one sync of the HPA to the next", Seconds(1));
  add_duration(sub, "--hold", o.hold, "As of start");
  add_duration(sub, "--patience", o.patience, "As of start");
  add_kubernetes_version(
      sub, o.kubernetes_version,
      fmt::format("what a line of --vectors says, else {}", to_string(hpa::newest_kubernetes)));
  auto* plots = sub->add_option("--plots", o.plots, "Write plots into this directory: SVG")
                    ->type_name("DIRECTORY")
                    ->excludes(vectors);
  add_theme(sub, o.theme)->needs(plots);
  sub->add_option("-o,--output", o.output, "table, json or csv")
      ->capture_default_str()
      ->check(CLI::IsMember({"table", "json", "csv"}));
  const auto* record = add_record(sub, c.record);
  sub->callback([&c, record] {
    const bool records = record->parsed();
    c.run = [&c, records] { return records ? run_plan_record(c.record) : run_plan(c.plan); };
  });
}

void add_plot(CLI::App& app, Commands& c) {
  auto& o = c.plot;
  auto* sub = app.add_subcommand("plot", "Draw what other commands have measured: SVG files");
  sub->footer(
      "Examples:\n"
      "  flux-metrics-api plan --trace examples/daily.jsonl -o json > plan.json\n"
      "  flux-metrics-api plot plan.json --out plots\n"
      "  flux-metrics-api get --watch --record run.jsonl; flux-metrics-api plot run.jsonl\n"
      "  echo machine_type,from_nodes,to_nodes,seconds > nodes.csv\n"
      "  echo small,1,2,31.5 >> nodes.csv\n"
      "  flux-metrics-api plot nodes.csv --no-outliers");
  sub->add_option("file", o.file, "From plan -o json, get --record, or timings of nodes (CSV)")->required();
  sub->add_option("--out", o.out, "Directory for the plots")->capture_default_str()->check(not_empty());
  add_theme(sub, o.theme);
  sub->add_flag("--no-outliers", o.no_outliers, "Leave out of box plots what is far from the rest");
  sub->callback([&c] { c.run = [&c] { return run_plot(c.plot); }; });
}

}  // namespace fluxmetrics::commands
