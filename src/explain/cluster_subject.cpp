#include "explain/cluster_subject.hpp"

#include <cstdlib>

#include <boost/json.hpp>

#include "base/text.hpp"
#include "explain/cluster_reader.hpp"
#include "explain/json_path.hpp"
#include "explain/target.hpp"
#include "explain/values.hpp"
#include "http/message.hpp"

namespace fluxmetrics::explain {
namespace {

Result<kube::AccessSource> access_of(const HpaInCluster& hpa) {
  auto path = hpa.kubeconfig;
  const char* environment = std::getenv("KUBECONFIG");
  if (path.empty() && environment != nullptr) path = environment;
  if (!path.empty()) return kube::AccessSource::kubeconfig(path);
  if (auto account = kube::find_pod_account()) return kube::AccessSource::pod(std::move(*account));
  return fail(Code::invalid,
              "no cluster is given: use --kubeconfig FILE, set KUBECONFIG, or run this in a pod");
}

// The release decides what the controller does; a server that does not say it is taken for the newest one
// known.
void read_version(ClusterReader& cluster, ExplainSubject& subject) {
  const auto document = cluster.get("/version");
  const auto text = document ? text_at(*document, {"gitVersion"}) : std::string();
  const auto nearest = hpa::nearest_kubernetes_version(text);
  auto& platform = subject.input.forecast.platform;
  if (nearest) platform = {.version = nearest->version, .gates = hpa::default_gates(nearest->version)};
  if (nearest && nearest->exact) return;
  subject.assumptions.push_back(
      fmt::format("Kubernetes {} is assumed: the cluster's own version {}", hpa::to_string(platform.version),
                  nearest ? fmt::format("is {}", printable(text)) : "is not known"));
}

}  // namespace

Result<ExplainSubject> read_cluster_subject(const HpaInCluster& hpa) {
  auto access = access_of(hpa);
  if (!access) return std::unexpected(access.error());
  if (const auto readable = access->read(); !readable)
    return fail(Code::invalid, "{}", readable.error().message);
  ClusterReader cluster(std::move(*access));
  const auto& ns = hpa.namespace_;
  const auto document = cluster.get(fmt::format("{}/{}", hpas_of(ns), http::percent_encoded(hpa.name)));
  if (!document) {
    return fail(document.error().status == 404 ? Code::not_found : Code::unavailable, "{}",
                document.error().sentence);
  }
  if (!document->is_object()) return fail(Code::protocol, "the cluster's answer is not an HPA");
  auto subject = parse_subject(document->get_object());
  if (!subject) return subject;
  auto& forecast = subject->input.forecast;
  forecast.name = {.namespace_ = ns, .name = hpa.name};
  subject->name = hpa.name;
  forecast.past = hpa::read_hpa_past(subject->document, std::chrono::system_clock::now());
  subject->input.cluster.emplace().namespace_ = ns;
  read_version(cluster, *subject);
  read_target(cluster, ns, *subject);
  forecast.seen.spec_replicas = hpa.replicas.value_or(forecast.seen.spec_replicas);
  forecast.seen.status_replicas = hpa.status.value_or(forecast.seen.status_replicas);
  read_pods(cluster, ns, *subject);
  read_rivals(cluster, ns, *subject);
  read_values(cluster, ns, *subject);
  return subject;
}

}  // namespace fluxmetrics::explain
