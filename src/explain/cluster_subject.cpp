// Reads an HPA and all that its controller would read from a cluster's API server.
#include <cstdlib>

#include <boost/json.hpp>

#include "base/text.hpp"
#include "commands/cluster_reader.hpp"
#include "commands/explain.hpp"
#include "commands/explain_target.hpp"
#include "commands/explain_values.hpp"
#include "commands/json_path.hpp"
#include "http/message.hpp"

namespace fluxmetrics::commands {
namespace {

Result<kube::AccessSource> access_of(const ExplainOptions& options) {
  auto path = options.kubeconfig;
  const char* environment = std::getenv("KUBECONFIG");
  if (path.empty() && environment != nullptr) path = environment;
  if (!path.empty()) return kube::AccessSource::kubeconfig(path);
  if (auto account = kube::find_pod_account()) return kube::AccessSource::pod(std::move(*account));
  return fail(Code::invalid,
              "no cluster is named: give --kubeconfig FILE, set KUBECONFIG, or run this in a pod");
}

// The release decides what the controller does; a server that does not say it is taken for the newest one
// known.
void read_version(ClusterReader& cluster, ExplainSubject& subject) {
  const auto document = cluster.get("/version");
  const auto text = document ? text_at(*document, {"gitVersion"}) : std::string();
  const auto nearest = scaling::nearest_kubernetes_version(text);
  auto& platform = subject.input.forecast.platform;
  if (nearest) platform = {.version = nearest->version, .gates = scaling::default_gates(nearest->version)};
  if (nearest && nearest->exact) return;
  subject.assumptions.push_back(fmt::format(
      "Kubernetes {} is assumed: the cluster's own version {}", scaling::to_string(platform.version),
      nearest ? fmt::format("is {}", printable(text)) : "is not known"));
}

}  // namespace

Result<ExplainSubject> read_cluster_subject(const ExplainOptions& options) {
  auto access = access_of(options);
  if (!access) return std::unexpected(access.error());
  if (const auto readable = access->read(); !readable)
    return fail(Code::invalid, "{}", readable.error().message);
  ClusterReader cluster(std::move(*access));
  const auto& ns = options.namespace_;
  const auto document = cluster.get(fmt::format("{}/{}", hpas_of(ns), http::percent_encoded(options.hpa)));
  if (!document) {
    return fail(document.error().status == 404 ? Code::not_found : Code::unavailable, "{}",
                document.error().sentence);
  }
  if (!document->is_object()) return fail(Code::protocol, "the cluster answers no HPA");
  auto subject = parse_subject(document->get_object());
  if (!subject) return subject;
  auto& forecast = subject->input.forecast;
  forecast.name = {.namespace_ = ns, .name = options.hpa};
  subject->name = options.hpa;
  forecast.past = scaling::read_hpa_past(subject->document, std::chrono::system_clock::now());
  subject->input.cluster.emplace().namespace_ = ns;
  read_version(cluster, *subject);
  read_target(cluster, ns, *subject);
  forecast.seen.spec_replicas = options.replicas.value_or(forecast.seen.spec_replicas);
  forecast.seen.status_replicas = options.status.value_or(forecast.seen.status_replicas);
  read_pods(cluster, ns, *subject);
  read_rivals(cluster, ns, *subject);
  read_values(cluster, ns, *subject);
  return subject;
}

}  // namespace fluxmetrics::commands
