#include "commands/cli.hpp"

#include <fmt/format.h>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <type_traits>

#include <CLI/CLI.hpp>

#include "base/log.hpp"
#include "commands/arguments.hpp"
#include "commands/options.hpp"
#include "user/expression_child.hpp"
#include "user/expressions.hpp"

namespace fluxmetrics::commands {
namespace {

// For durations that must be above 0.
constexpr Seconds shortest{std::numeric_limits<double>::min()};

// A duration option: "60s", "1.5m", "250ms".
// `target` is a Seconds, or an optional one.
CLI::Option* add_any_duration(CLI::App* app, const std::string& name, auto& target, const std::string& help,
                              Seconds least = {}) {
  return app
      ->add_option_function<std::string>(
          name,
          [&target, name, least](const std::string& text) {
            const auto parsed = parse_duration(text);
            if (!parsed) throw CLI::ValidationError(name, parsed.error().message);
            if (*parsed < least)
              throw CLI::ValidationError(
                  name, least == shortest
                            ? fmt::format("must be above 0, not {}", text)
                            : fmt::format("must be at least {:g}s, not {}", least.count(), text));
            target = *parsed;
          },
          help)
      ->type_name("DURATION");
}

CLI::Option* add_duration(CLI::App* app, const std::string& name, Seconds& target, const std::string& help,
                          Seconds least = {}) {
  return add_any_duration(app, name, target, help + fmt::format(" [{:g}s]", target.count()), least);
}

template <class T>
struct NumberOf {
  using type = T;
};
template <class T>
struct NumberOf<std::optional<T>> {
  using type = T;
};

// An option that is a whole number; `target` is a number, or an optional one.
template <class Target, class Number = typename NumberOf<Target>::type>
CLI::Option* add_whole(CLI::App* app, const std::string& name, Target& target, const std::string& help,
                       std::type_identity_t<Number> lowest = 0,
                       std::type_identity_t<Number> highest = std::numeric_limits<Number>::max()) {
  const bool what_fits = highest == std::numeric_limits<Number>::max();
  std::string range = what_fits ? "" : fmt::format("{} to {}", lowest, highest);
  if (what_fits && lowest == 1) range = "POSITIVE";
  return app->add_option(name, target, help)
      ->check(
          whole_number(static_cast<std::uint64_t>(lowest), static_cast<std::uint64_t>(highest), what_fits),
          range);
}

void add_flux_uri(CLI::App* app, std::optional<std::string>& target) {
  app->add_option(
      "--flux-uri", target,
      "Broker to talk to, local:///PATH [FLUX_URI, else the system instance's or a MiniCluster's socket]");
}

void add_custom_metrics(CLI::App* app, std::vector<std::string>& files) {
  app->add_option(
         "--custom-metric", files,
         "Metrics of your own (repeatable): jq expressions in a .yaml file, or Python functions that "
         "get a Flux handle in a .py file")
      ->type_name("FILE")
      ->take_all()
      ->allow_extra_args(false);
}

void add_policy(CLI::App* app, sizing::SizePolicy& policy) {
  static const std::map<std::string, sizing::SizeRule> rules{
      {"wanted", sizing::SizeRule::wanted},
      {"all", sizing::SizeRule::all},
      {"head-of-line", sizing::SizeRule::head_of_line}};
  app->add_option_function<std::string>(
         "--size-policy", [&policy](const std::string& name) { policy.rule = rules.at(name); },
         "What node_wanted_count follows: wanted, all (whatever could start does), or head-of-line (what "
         "runs and "
         "the first job of each queue) [wanted]")
      ->type_name("POLICY")
      ->check(CLI::IsMember({"wanted", "all", "head-of-line"}));
  add_duration(app, "--hold", policy.hold, "node_wanted_count falls only after it was smaller for so long");
  add_duration(app, "--patience", policy.patience,
               "Work that the present nodes finish within this time asks for no new node");
  add_whole(app, "--min-replicas", policy.min_replicas, "Never want fewer nodes than this", 1)
      ->capture_default_str();
  add_whole(app, "--max-replicas", policy.max_replicas,
            "Never want more nodes than this [the instance's size]", 1);
}

// Where the cluster is asked who a client is and what it may do; the names are those of the Go API servers.
void add_cluster(CLI::App* app, StartOptions& o) {
  app->add_option("--kubeconfig", o.kubeconfig, "How to reach the cluster [the pod's service account]");
  app->add_option("--authentication-kubeconfig", o.authentication_kubeconfig,
                  "The same for asking who a client is [--kubeconfig]");
  app->add_option("--authorization-kubeconfig", o.authorization_kubeconfig,
                  "The same for asking what a client may do [--kubeconfig]");
  add_duration(app, "--authentication-token-webhook-cache-ttl", o.token_ttl,
               "Remember for so long whose a bearer token is");
  add_duration(app, "--authorization-webhook-cache-authorized-ttl", o.allowed_ttl,
               "Remember for so long that a client may");
  add_duration(app, "--authorization-webhook-cache-unauthorized-ttl", o.denied_ttl,
               "Remember for so long that a client may not");
}

struct Commands {
  StartOptions start;
  ExporterOptions exporter;
  GetOptions get;
  SimulateOptions simulate;
  SimulateCtlOptions ctl;
  DemoOptions demo;
  ExplainOptions explain;
  PlanOptions plan;
  RecordOptions record;
  PlotOptions plot;
  std::function<int()> run;
};

void add_start(CLI::App& app, Commands& c) {
  auto& o = c.start;
  auto* sub = app.add_subcommand("start", "Serve the custom metrics API beside the leader broker");
  sub->footer(
      "Example, in the leader broker's pod:\n"
      "  flux-metrics-api start --port 8443 --ssl-certfile tls.crt --ssl-keyfile tls.key\n"
      "Then, on the same host:\n"
      "  curl "
      "http://localhost:8443/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/metrics/"
      "node_up_count\n"
      "With metrics of your own (docs/user-metrics.md):\n"
      "  flux-metrics-api start --custom-metric examples/held-jobs.yaml \\\n"
      "    --custom-metric examples/site_metrics.py");
  add_whole(sub, "--port", o.port, "Port for HTTPS and HTTP alike; 0 takes any free one")
      ->capture_default_str();
  sub->add_option("--host", o.host, "Address to listen on")->capture_default_str();
  sub->add_option("--namespace", o.namespace_, "Namespace that the MiniCluster lives in")
      ->capture_default_str()
      ->check(not_empty());
  sub->add_option("--service-name", o.service_name, "Service that the APIService points to")
      ->capture_default_str()
      ->check(not_empty());
  sub->add_option(
      "--minicluster", o.minicluster,
      "MiniCluster that metrics describe, and whose pods are asked for [the leader's host name less its -N]");
  auto* cert = sub->add_option("--ssl-certfile", o.ssl_certfile, "Serving certificate (PEM chain)");
  auto* key = sub->add_option("--ssl-keyfile", o.ssl_keyfile, "Its private key (PEM)");
  cert->needs(key);
  key->needs(cert);
  sub->add_option("--cert-dir", o.cert_dir,
                  "Keep the self-signed certificate here (used when there are no files)");
  sub->add_option("--api-path", o.api_path, "Serve the custom metrics API below this path too");
  add_custom_metrics(sub, o.custom_metrics);
  sub->add_flag(
      "--forward-cluster-apis", o.forward_cluster_apis,
      "Give plain HTTP clients on this host the cluster's own /apis and /openapi, as the Python server did");
  sub->add_flag("--no-cache", o.no_cache, "Ask the cluster each time with --forward-cluster-apis");
  add_whole(sub, "--max-requests-inflight", o.most_waiting,
            "Requests that may wait for the cluster at the same time, others get 429; 0 = any number")
      ->capture_default_str();
  add_duration(sub, "--request-timeout", o.request_timeout, "A request that waits longer gets 504", shortest);
  sub->add_flag("--verbose", o.verbose, "Log every request, not only metric requests");
  sub->add_flag("--insecure-http", o.insecure_http, "Let every peer ask by plain HTTP, not only this host");
  sub->add_flag("--insecure-skip-auth", o.insecure_skip_auth,
                "Answer every client without asking the cluster who may read");
  add_cluster(sub, o);
  add_flux_uri(sub, o.flux_uri);
  add_duration(sub, "--max-staleness", o.max_staleness,
               "Serve the last values for so long when the broker is silent", shortest);
  add_any_duration(sub, "--shutdown-delay", o.shutdown_delay,
                   "After SIGTERM, be unready but serve for so long, until no Service points here [5s in a "
                   "cluster, else 0s]");
  add_policy(sub, o.policy);
  sub->callback([&c] { c.run = [&c] { return run_start(c.start); }; });
}

void add_exporter(CLI::App& app, Commands& c) {
  auto& o = c.exporter;
  auto* sub = app.add_subcommand("exporter", "Serve the metrics to Prometheus alone, by plain HTTP");
  sub->footer(
      "Example:\n"
      "  flux-metrics-api exporter --port 8080 &\n"
      "  curl http://localhost:8080/metrics\n"
      "  flux-metrics-api exporter --custom-metric examples/held-jobs.yaml\n"
      "Everybody who reaches the port may read: `start` serves /metrics too, with access control.");
  add_whole(sub, "--port", o.port, "Port; 0 takes any free one")->capture_default_str();
  sub->add_option("--host", o.host, "Address to listen on")->capture_default_str();
  sub->add_flag("--verbose", o.verbose, "Log every request; metrics of this server itself are always there");
  add_custom_metrics(sub, o.custom_metrics);
  add_flux_uri(sub, o.flux_uri);
  add_duration(sub, "--max-staleness", o.max_staleness,
               "Serve the last values for so long when the broker is silent", shortest);
  add_policy(sub, o.policy);
  sub->callback([&c] { c.run = [&c] { return run_exporter(c.exporter); }; });
}

void add_get(CLI::App& app, Commands& c) {
  auto& o = c.get;
  auto* sub = app.add_subcommand("get", "Show an instance's metrics");
  sub->footer(
      "Examples:\n"
      "  flux-metrics-api get\n"
      "  flux-metrics-api get node_wanted_count job_count -o json\n"
      "  flux-metrics-api get --watch node_up_count job_pending_count\n"
      "  flux-metrics-api get --watch --record run.jsonl >/dev/null\n"
      "  flux-metrics-api get --state | jq '.jobs[] | select(.state == \"sched\") | .id'\n"
      "  flux-metrics-api get --custom-metric examples/held-jobs.yaml job_held_count\n"
      "docs/get.md describes the formats.");
  auto* names = sub->add_option("metrics", o.metrics, "Metrics to show [all]");
  auto* form = sub->add_option("-o,--output", o.output, "table, json or yaml; markdown with --catalogue")
                   ->capture_default_str()
                   ->check(CLI::IsMember({"table", "json", "yaml", "markdown"}));
  auto* watch = sub->add_flag("-w,--watch", o.watch, "Go on, and show the values again whenever one changes");
  auto* record =
      sub->add_option("--record", o.record, "Append the metrics to this file, one JSON line a snapshot");
  auto* catalogue = sub->add_flag("--catalogue", o.catalogue,
                                  "What metrics there are, instead of their values; needs no broker")
                        ->excludes(names)
                        ->excludes(watch)
                        ->excludes(record);
  sub->add_flag("--state", o.state, "The instance's state (nodes, queues, jobs) as JSON instead of metrics")
      ->excludes(names)
      ->excludes(catalogue)
      ->excludes(record);
  add_custom_metrics(sub, o.custom_metrics);
  add_flux_uri(sub, o.flux_uri);
  add_duration(sub, "--timeout", o.timeout, "Give up when no broker answers for so long", shortest);
  add_policy(sub, o.policy);
  sub->callback([&c, form] {
    if (form->count() > 0 && c.get.output == "table" && (c.get.state || c.get.catalogue))
      throw CLI::ValidationError(
          "-o table is a form of values: --state comes as json or yaml, --catalogue as markdown too");
    c.run = [&c] { return run_get(c.get); };
  });
}

void add_simulate(CLI::App& app, Commands& c) {
  auto& o = c.simulate;
  auto* sub = app.add_subcommand("simulate", "Run a simulated Flux instance that speaks Flux's own protocol");
  sub->footer(
      "Example:\n"
      "  flux-metrics-api simulate --size 2 --max-size 4 --cores 4 --socket /tmp/flux.sock &\n"
      "  export FLUX_URI=local:///tmp/flux.sock\n"
      "  flux-metrics-api simulate-ctl submit -N4 --duration 10s\n"
      "  flux-metrics-api get node_wanted_count\n"
      "A large one, in the middle of its work:\n"
      "  flux-metrics-api simulate --size 10000 --pending 100000 --running 10000");
  add_whole(sub, "--size", o.size, "Ranks that are online at the start")->capture_default_str();
  add_whole(sub, "--max-size", o.max_size, "All ranks: the size attribute [4, or --size when that is more]");
  add_whole(sub, "--cores", o.cores, "Cores of a rank")->capture_default_str();
  add_whole(sub, "--gpus", o.gpus, "GPUs of a rank")->capture_default_str();
  add_whole(sub, "--pending", o.pending, "Jobs that wait from the start, the first one for all ranks");
  add_whole(sub, "--running", o.running, "Jobs that run from the start");
  sub->add_option("--socket", o.socket, "Path of the socket [a new one in the temporary directory]");
  sub->add_option("--speed", o.speed, "How many times faster than real time")
      ->capture_default_str()
      ->check(number_above_zero(), "POSITIVE");
  sub->add_option("--trace", o.trace, "Jobs to submit: JSON lines, see docs/simulate.md");
  sub->add_option("--queue", o.queues,
                  "A queue, NAME or NAME=RANKS (repeatable); queues start stopped, as Flux's do");
  sub->add_option("--as-version", o.as_version,
                  "Be a Flux of this version, such as 0.53: refuse what it lacked");
  sub->add_flag("--as-guest", o.as_guest,
                "Treat clients as guests, unless they ask for the owner's role as simulate-ctl does");
  sub->add_flag("--private-mode", o.private_mode,
                "Hide the jobs of others from guests (access.private-mode)");
  sub->add_option("--exclude", o.exclude, "Ranks that the configuration excludes, an idset");
  add_whole(sub, "--quorum", o.quorum, "Wait in state quorum until so many ranks are online");
  sub->add_flag("--no-scheduler", o.no_scheduler, "Begin without a scheduler");
  sub->add_flag("--discovery", o.discovery,
                "Resources were found, not configured: ranks that are lost are removed for good");
  sub->add_option("--parent-uri", o.parent_uri, "Be a sub-instance of the instance at this URI")
      ->check(not_empty());
  sub->callback([&c] { c.run = [&c] { return run_simulate(c.simulate); }; });
}

void add_simulate_ctl(CLI::App& app, Commands& c) {
  auto& o = c.ctl;
  auto* ctl = app.add_subcommand("simulate-ctl", "Steer a simulated instance");
  ctl->footer(
      "Examples:\n"
      "  flux-metrics-api simulate-ctl online 2-3\n"
      "  flux-metrics-api simulate-ctl offline 3 --lost\n"
      "  flux-metrics-api simulate-ctl submit -N4 --duration 10s\n"
      "  flux-metrics-api simulate-ctl cancel 3562272718848\n"
      "  flux-metrics-api simulate-ctl queue start --all");
  add_flux_uri(ctl, o.flux_uri);
  ctl->require_subcommand(1);
  const auto action = [&](CLI::App* parent, const std::string& name, const std::string& help,
                          const std::string& example) {
    auto* sub = parent->add_subcommand(name, help);
    sub->footer("Example:\n  flux-metrics-api simulate-ctl " + example);
    sub->fallthrough();
    return sub;
  };
  auto* online = action(ctl, "online", "Ranks join", "online 2-3");
  online->add_option("ranks", o.ranks, "Idset, such as 2-3")->required();
  auto* offline = action(ctl, "offline", "Ranks leave", "offline 3 --lost");
  offline->add_option("ranks", o.ranks, "Idset, such as 3")->required();
  offline->add_flag("--lost", o.lost, "As a node that dies; otherwise as a pod that is deleted");
  action(ctl, "torpid", "Ranks answer slowly", "torpid 1")->add_option("ranks", o.ranks, "Idset")->required();
  action(ctl, "lively", "Ranks answer well again", "lively 1")
      ->add_option("ranks", o.ranks, "Idset")
      ->required();
  auto* submit = action(ctl, "submit", "Submit a job and print its id", "submit -N4 --duration 10s");
  add_whole(submit, "-N,--nodes", o.nodes, "Nodes");
  add_whole(submit, "-n,--slots", o.slots, "Slots in all; -N without -n asks for whole nodes");
  add_whole(submit, "-c,--cores-per-slot", o.cores, "Cores a slot")->capture_default_str();
  add_whole(submit, "-g,--gpus-per-slot", o.gpus, "GPUs a slot")->capture_default_str();
  submit->add_flag("--exclusive", o.exclusive, "Whole nodes");
  submit->add_option("--duration", o.duration,
                     "How long it runs, and its limit, such as 10s [it runs for ever]");
  submit->add_option("-q,--queue", o.queue, "Queue");
  add_whole(submit, "--urgency", o.urgency, "0 (held) to 31", 0, 31)->capture_default_str();
  add_whole(submit, "--cc", o.copies, "How many such jobs", 1)->capture_default_str();
  auto* cancel = action(ctl, "cancel", "Cancel a job", "cancel $(flux-metrics-api simulate-ctl submit -N1)");
  cancel->add_option("id", o.job_id, "Job id")->required();
  auto* purge = action(ctl, "purge", "Let the instance forget inactive jobs", "purge --keep 100");
  add_whole(purge, "--keep", o.keep, "How many of the latest to keep")->capture_default_str();
  auto* drain = action(ctl, "drain", "Drain ranks", "drain 1 \"a fan\"");
  drain->add_option("ranks", o.ranks, "Idset")->required();
  drain->add_option("reason", o.reason, "Why");
  auto* undrain = action(ctl, "undrain", "Undrain ranks", "undrain 1");
  undrain->add_option("ranks", o.ranks, "Idset")->required();
  action(ctl, "clock", "Show the simulated time", "clock");
  action(ctl, "stats", "Show how many requests came, by topic", "stats");
  auto* queue = action(ctl, "queue", "Start or stop queues", "queue start --all");
  queue->require_subcommand(1);
  for (const std::string name : {"start", "stop"}) {
    auto* sub = action(queue, name, name == "start" ? "Let jobs start" : "Let no job start", "queue " + name);
    sub->add_option("name", o.queue_name, "Queue");
    sub->add_flag("-a,--all", c.ctl.all_queues, "All queues (the default)");
    sub->callback([&o, name] { o.queue_action = name; });
  }
  auto* scheduler = action(ctl, "scheduler", "Load or unload the scheduler", "scheduler unload");
  scheduler->require_subcommand(1);
  for (const std::string name : {"load", "unload"}) {
    action(scheduler, name,
           name == "load" ? "Jobs start again" : "No job starts, as when its module is removed",
           "scheduler " + name)
        ->callback([&o, name] { o.queue_action = name; });
  }
  action(ctl, "shutdown", "End the instance, as `flux shutdown` does", "shutdown");
  ctl->callback([&c, ctl] {
    c.ctl.action = ctl->get_subcommands().front()->get_name();
    c.run = [&c] { return run_simulate_ctl(c.ctl); };
  });
}

void add_demo(CLI::App& app, Commands& c) {
  auto* sub = app.add_subcommand("demo", "Watch a simulated MiniCluster follow its queue: 2 -> 4 -> 2 nodes");
  sub->footer(
      "Example:\n  flux-metrics-api demo\nIt needs neither Flux nor Kubernetes and ends by itself in under "
      "45 seconds.");
  sub->add_flag("--plain", c.demo.plain, "Plain lines, also on a terminal");
  sub->add_option("--inject", c.demo.inject,
                  "Break something, to see that the demo tells: server-refused or job-killed")
      ->check(CLI::IsMember({"server-refused", "job-killed"}));
  sub->callback([&c] { c.run = [&c] { return run_demo(c.demo); }; });
}

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
  add_duration(sub, "--for", o.span, "How far to look ahead");
  add_duration(sub, "--timeout", o.timeout, "Give up when no broker answers for so long", shortest);
  sub->add_option("-o,--output", o.output, "text, json or yaml")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json", "yaml"}));
  sub->add_flag("--fix", o.fix, "Print the corrected HPA, with a comment for each change");
  sub->callback([&c] { c.run = [&c] { return run_explain(c.explain); }; });
}

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

// For this program alone: what it starts beside itself.
void add_children(CLI::App& app, Commands& c) {
  auto* sub = app.add_subcommand(user::ExpressionSource::subcommand, "")->group("");
  sub->callback([&c] { c.run = [] { return user::run_expression_child(); }; });
}

// The command that the arguments name, as far as they were understood.
const CLI::App* command_meant(const CLI::App* app) {
  while (!app->get_subcommands().empty())
    app = app->get_subcommands().back();
  return app;
}

// What was missing, for somebody who does not know the parser's terms.
std::string missing_text(const CLI::App* command, std::string remark) {
  constexpr std::string_view required = " is required";
  if (remark.ends_with(required)) remark.resize(remark.size() - required.size());
  if (const auto* option = command->get_option_no_throw(remark); option != nullptr)
    return fmt::format("{} needs {}: {}", command->get_name(), remark, option->get_description());
  std::string names;
  for (const auto* sub : command->get_subcommands([](const CLI::App* s) { return !s->get_group().empty(); }))
    names += fmt::format("{}{}", names.empty() ? "" : ", ", sub->get_name());
  return fmt::format("{} needs a subcommand, one of: {}", command->get_name(), names);
}

std::string misuse_text(const CLI::App* app, const CLI::Error& error) {
  const auto name = error.get_name();
  std::string text = error.what();
  if (name == "RequiredError") text = missing_text(command_meant(app), text);
  if (name == "ExcludesError" || name == "ArgumentMismatch") text = in_words(text);
  return text + "\nRun with --help for more information.\n";
}

}  // namespace

int run_cli(int argc, const char* const* argv) {
  CLI::App app{"Kubernetes custom metrics from a Flux Framework instance", "flux-metrics-api"};
  Commands commands;
  bool debug = false;
  bool quiet = false;
  bool version = false;
  app.add_flag("--debug", debug, "Log everything");
  app.add_flag("--quiet", quiet, "Log errors only");
  app.add_flag("--version", version, "Print the version");
  app.failure_message(misuse_text);
  app.footer("Try: flux-metrics-api demo\nEvery command has its own --help with an example.");
  app.require_subcommand(0, 1);
  add_start(app, commands);
  add_exporter(app, commands);
  add_get(app, commands);
  add_demo(app, commands);
  add_explain(app, commands);
  add_plan(app, commands);
  add_plot(app, commands);
  add_simulate(app, commands);
  add_simulate_ctl(app, commands);
  add_children(app, commands);
  auto* version_command = app.add_subcommand("version", "Print the version");
  version_command->footer("Example:\n  flux-metrics-api version");
  version_command->callback([&] { version = true; });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? exit_fine : exit_misused;
  }
  if (version) {
    fmt::print("{}\n", program_version);
    return exit_fine;
  }
  if (!commands.run) {
    fmt::print("{}", app.help());
    return exit_fine;
  }
  if (debug) log::set_level(log::Level::debug);
  if (quiet && !debug) log::set_level(log::Level::error);
  return commands.run();
}

}  // namespace fluxmetrics::commands
