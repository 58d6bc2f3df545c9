// The command line of start, exporter and get: commands that watch an instance.
#include <fmt/format.h>
#include <string>

#include <CLI/CLI.hpp>

#include "commands/arguments.hpp"
#include "commands/cli_commands.hpp"
#include "commands/cli_options.hpp"

namespace fluxmetrics::commands {
namespace {

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

}  // namespace

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
      "Without --watch nothing is remembered: --hold has no effect, and rates have no value.\n"
      "A server (start) remembers, so its node_wanted_count may be larger.\n"
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

}  // namespace fluxmetrics::commands
