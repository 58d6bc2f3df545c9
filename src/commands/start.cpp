#include "commands/start.hpp"

#include <memory>

#include "commands/common_options.hpp"
#include "commands/serve.hpp"
#include "server/config.hpp"

namespace fluxmetrics::commands {
namespace {

// Where the cluster is asked who a client is and what it may do; the names are those of the Go API servers.
void add_cluster(Command& command, server::Config& o) {
  command.option("--kubeconfig", o.kubeconfig, "How to reach the cluster [the pod's service account]");
  command.option("--authentication-kubeconfig", o.authentication_kubeconfig,
                 "The same, for authentication [--kubeconfig]");
  command.option("--authorization-kubeconfig", o.authorization_kubeconfig,
                 "The same, for authorization [--kubeconfig]");
  command.duration("--authentication-token-webhook-cache-ttl", o.token_ttl,
                   "How long to cache the identity behind a bearer token");
  command.duration("--authorization-webhook-cache-authorized-ttl", o.allowed_ttl,
                   "How long to cache that a client is allowed");
  command.duration("--authorization-webhook-cache-unauthorized-ttl", o.denied_ttl,
                   "How long to cache that a client is denied");
}

}  // namespace

void add_start(Command& program) {
  auto options = std::make_shared<server::Config>();
  auto& o = *options;
  auto command = program.add_command("start", "Serve the custom metrics API beside the leader broker");
  command.footer(
      "Example, in the leader broker's pod:\n"
      "  flux-metrics-api start --port 8443 --ssl-certfile tls.crt --ssl-keyfile tls.key\n"
      "Then, on the same host:\n"
      "  curl "
      "http://localhost:8443/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/metrics/"
      "node_up_count\n"
      "With metrics of your own (docs/user-metrics.md):\n"
      "  flux-metrics-api start --custom-metric examples/held-jobs.yaml \\\n"
      "    --custom-metric examples/site_metrics.py");
  command.whole("--port", o.port, "Port for both HTTPS and HTTP; 0 picks a free one").shows_default();
  command.option("--host", o.host, "Address to listen on").shows_default();
  command.option("--namespace", o.namespace_, "Namespace of the MiniCluster")
      .shows_default()
      .check(not_empty());
  command.option("--service-name", o.service_name, "Service that the APIService points to")
      .shows_default()
      .check(not_empty());
  command.option("--minicluster", o.minicluster,
                 "MiniCluster that the metrics describe and whose pods are listed [the leader's host name "
                 "without its -N]");
  auto cert = command.option("--ssl-certfile", o.ssl_certfile, "Serving certificate (PEM chain)");
  auto key = command.option("--ssl-keyfile", o.ssl_keyfile, "Its private key (PEM)");
  cert.needs(key);
  key.needs(cert);
  command.option("--cert-dir", o.cert_dir,
                 "Directory to keep the self-signed certificate in, when no certificate files are given");
  command.option("--api-path", o.api_path, "Serve the custom metrics API below this path too");
  add_custom_metrics(command, o.custom_metrics);
  command.flag("--forward-cluster-apis", o.forward_cluster_apis,
               "Serve the cluster's own /apis and /openapi to plain HTTP clients on this host, as the Python "
               "server did");
  command.flag("--no-cache", o.no_cache, "With --forward-cluster-apis: query the cluster every time");
  command
      .whole("--max-requests-inflight", o.most_waiting,
             "How many requests may wait for the cluster at once, others get 429; 0 = no limit")
      .shows_default();
  command.duration("--request-timeout", o.request_timeout, "A request that waits longer gets 504", shortest);
  command.flag("--verbose", o.verbose, "Log every request, not only metric requests");
  command.flag("--insecure-http", o.insecure_http, "Answer plain HTTP from every peer, not only this host");
  command.flag("--insecure-skip-auth", o.insecure_skip_auth,
               "Answer every client without authentication and authorization");
  add_cluster(command, o);
  add_flux_uri(command, o.flux_uri);
  command.duration("--max-staleness", o.max_staleness,
                   "How long to keep serving the last values after the broker goes silent", shortest);
  command.bare_duration("--shutdown-delay", o.shutdown_delay,
                        "After SIGTERM, how long to go on serving, unready, until no Service points here [5s "
                        "in a cluster, else 0s]");
  add_policy(command, o.policy);
  command.flag(
      "--drain", o.drain,
      "Drain nodes before node_wanted_count falls, and undrain them when it has risen: no job is killed "
      "by a smaller size");
  command.duration("--drain-handed-out-for", o.drain_handed_out_for,
                   "With --drain: a reader acts on a value within this time; longer behind caches");
  command.runs([options] { return serve(*options); });
}

}  // namespace fluxmetrics::commands
