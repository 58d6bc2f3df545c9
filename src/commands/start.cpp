#include "commands/start.hpp"

#include <cstdlib>
#include <memory>

#include "api/api.hpp"
#include "api/cluster_documents.hpp"
#include "api/objects.hpp"
#include "api/router.hpp"
#include "base/log.hpp"
#include "commands/common_options.hpp"
#include "commands/output.hpp"
#include "http/server.hpp"
#include "server/cluster_link.hpp"
#include "server/pipeline.hpp"

namespace fluxmetrics::commands {
namespace {

// Long enough for a pod that is not ready any more to leave its Service's endpoints, and for the aggregator
// to see it.
constexpr Seconds delay_in_cluster{5};

// A broker that is there answers in milliseconds. Discovery waits no longer for one that is not.
constexpr Seconds first_word_time{1};

Seconds shutdown_delay(const StartOptions& options) {
  const bool in_cluster = std::getenv("KUBERNETES_SERVICE_HOST") != nullptr;
  return options.shutdown_delay.value_or(in_cluster ? delay_in_cluster : Seconds::zero());
}

http::ServerOptions server_options(const StartOptions& options) {
  const auto& service = options.service_name;
  return {.host = options.host,
          .port = options.port,
          .certificate = {.cert_file = options.ssl_certfile,
                          .key_file = options.ssl_keyfile,
                          .cert_dir = options.cert_dir,
                          .names = {fmt::format("{}.{}.svc", service, options.namespace_),
                                    fmt::format("{}.{}.svc.cluster.local", service, options.namespace_),
                                    fmt::format("{}.{}", service, options.namespace_), service}},
          // The API ends a wait before, with an answer.
          .answer_timeout = options.request_timeout + Seconds(10),
          .shutdown_delay = shutdown_delay(options)};
}

// Null where there is none.
Result<std::unique_ptr<server::ClusterLink>> find_cluster(const StartOptions& options) {
  return server::ClusterLink::find({.kubeconfig = options.kubeconfig,
                                    .authentication_kubeconfig = options.authentication_kubeconfig,
                                    .authorization_kubeconfig = options.authorization_kubeconfig,
                                    .authenticates = !options.insecure_skip_auth});
}

access::AccessOptions access_options(const StartOptions& options, bool has_cluster) {
  using enum access::AccessOptions::Mode;
  return {.mode = options.insecure_skip_auth ? open : (has_cluster ? delegated : closed),
          .extra_root = api::root_segments(options.api_path),
          .token_ttl = options.token_ttl,
          .allowed_ttl = options.allowed_ttl,
          .denied_ttl = options.denied_ttl};
}

// The operator calls a MiniCluster's Job as the MiniCluster.
std::function<std::string()> job_name(const std::string& minicluster, const metrics::Store& store) {
  return [minicluster, &store] {
    const auto snapshot = store.view().snapshot;
    return api::minicluster_name(minicluster, snapshot ? snapshot->state.get() : nullptr);
  };
}

void tell_who_may_read(const StartOptions& options, const server::ClusterLink* cluster) {
  if (options.insecure_skip_auth) {
    log::warning("--insecure-skip-auth: anyone who can reach the port can read everything");
  } else if (cluster != nullptr) {
    log::info("access is controlled by the cluster, through {}", cluster->description());
  } else {
    log::warning(
        "no cluster to authorize clients: only plain HTTP from this host is answered, HTTPS gets 401; give "
        "--kubeconfig, or --insecure-skip-auth to answer everyone");
  }
}

// Where the cluster is asked who a client is and what it may do; the names are those of the Go API servers.
void add_cluster(Command& command, StartOptions& o) {
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
  auto options = std::make_shared<StartOptions>();
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
  command.runs([options] { return run_start(*options); });
}

int run_start(const StartOptions& options) {
  auto found =
      server::find_all(options.flux_uri, options.policy, options.custom_metrics, options.max_staleness);
  if (!found) return ends_with(exit_misused, found.error());
  if (std::getenv("FLUX_JOB_ID") != nullptr) {
    log::warning(
        "this server runs as a Flux job: it holds a core, and its node is never given back; run it beside "
        "the broker");
  }

  server::Pipeline pipeline(found->broker, options.policy, options.max_staleness, std::move(found->user));
  const auto cluster = find_cluster(options);
  if (!cluster) return ends_with(exit_misused, cluster.error());
  if (options.forward_cluster_apis && !*cluster) {
    log::error(
        "--forward-cluster-apis: there is no cluster here; run in a pod with a service account, or give "
        "--kubeconfig");
    return exit_misused;
  }
  access::AccessControl access(access_options(options, *cluster != nullptr),
                               *cluster ? (*cluster)->authority() : access::ClusterAuthority());
  api::Api api({.namespace_ = options.namespace_,
                .service_name = options.service_name,
                .minicluster = options.minicluster,
                .api_path = options.api_path,
                .max_staleness = options.max_staleness,
                .insecure_http = options.insecure_http,
                .port = options.port,
                .log_every_request = options.verbose,
                .most_waiting = options.most_waiting,
                .request_timeout = options.request_timeout,
                .catalogue = found->catalogue},
               pipeline.store(), &access, *cluster ? &(*cluster)->pods() : nullptr);
  std::optional<api::ClusterDocuments> documents;
  if (options.forward_cluster_apis) {
    documents.emplace((*cluster)->client(), api::ClusterDocumentsOptions{.keep = !options.no_cache});
    api.forward(*documents);
  }
  http::Server server(server_options(options), api);
  server.catch_signals();
  if (const auto listening = server.listen(); !listening) {
    const auto& why = listening.error();
    return ends_with(why.code == Code::invalid ? exit_misused : exit_failed, why);
  }
  if (*cluster) (*cluster)->start(options.namespace_, job_name(options.minicluster, pipeline.store()));
  pipeline.start();
  // Clients can connect already and wait. Without this the first of them would be told that there are no
  // numbers yet.
  pipeline.await_first_word(first_word_time);
  log::info("serving https and http on {} port {}, namespace {}, service {}", options.host, server.port(),
            options.namespace_, options.service_name);
  tell_who_may_read(options, cluster->get());
  server.run(true);
  const bool tidy = !*cluster || (*cluster)->stop();
  log::info("stopped");
  if (!tidy) std::_Exit(exit_fine);
  return exit_fine;
}

}  // namespace fluxmetrics::commands
