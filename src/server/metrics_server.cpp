#include "server/metrics_server.hpp"

#include <functional>
#include <string>
#include <utility>

#include "api/objects.hpp"
#include "base/log.hpp"
#include "server/watched_cluster.hpp"

namespace fluxmetrics::server {
namespace {

// A broker that is there answers in milliseconds. Clients wait no longer for one that is not.
constexpr Seconds first_word_time{1};

// `agent` says what its paths stand for, once there is one.
std::unique_ptr<access::AccessControl> access_control(std::optional<access::AccessOptions> options,
                                                      ClusterLink* cluster,
                                                      const std::optional<agent::Agent>& agent) {
  if (!options) return nullptr;
  options->stands_for = [&agent](const http::Target& target) {
    return agent ? agent->attributes(target) : std::nullopt;
  };
  return std::make_unique<access::AccessControl>(
      *std::move(options), cluster != nullptr ? cluster->authority() : access::ClusterAuthority());
}

// The operator calls a MiniCluster's Job as the MiniCluster.
std::function<std::string()> job_name(const std::string& minicluster, const metrics::Store& store) {
  return [minicluster, &store] {
    const auto snapshot = store.view().snapshot;
    return api::minicluster_name(minicluster, snapshot ? snapshot->state.get() : nullptr);
  };
}

agent::AgentOptions agent_options(const Config& config, const Broker& broker, const metrics::Store& store) {
  return {.name_space = config.namespace_,
          .minicluster = job_name(config.minicluster, store),
          .max_staleness = config.max_staleness,
          .broker = {.socket_paths = broker.socket_paths, .follow_to_top = !broker.named},
          .obeys_not = config.drain
                           ? "this server was started with --drain and decides itself which ranks it "
                             "drains: start it without --drain to have it obey a controller"
                           : ""};
}

}  // namespace

MetricsServer::MetricsServer(CompletedConfig completed)
    : config_(std::move(completed.config)),
      pipeline_(completed.found.broker, config_.policy, config_.max_staleness,
                std::move(completed.found.user)),
      cluster_(std::move(completed.cluster)),
      access_(access_control(std::move(completed.access), cluster_.get(), agent_)),
      api_(std::move(completed.api), pipeline_.store(), access_.get(),
           cluster_ ? &cluster_->pods() : nullptr),
      http_(std::move(completed.http), api_) {
  pipeline_.keep(size_in_effect(cluster_.get()));
  if (config_.drain) {
    pipeline_.drain(
        resize_policy(config_, cluster_ != nullptr),
        watched(cluster_.get(), config_.namespace_, job_name(config_.minicluster, pipeline_.store())),
        config_.drain_handed_out_for);
    if (cluster_) cluster_->on_pods([this] { pipeline_.on_pods(); });
  }
  if (!config_.prometheus_only) {
    agent_.emplace(agent_options(config_, completed.found.broker, pipeline_.store()), pipeline_.store());
    api_.mount(*agent_);
  }
  if (!cluster_ || !config_.forward_cluster_apis) return;
  documents_.emplace(cluster_->client(), api::ClusterDocumentsOptions{.keep = !config_.no_cache});
  api_.forward(*documents_);
}

Result<void> MetricsServer::listen() {
  http_.catch_signals();
  return http_.listen();
}

bool MetricsServer::run() {
  if (cluster_) cluster_->start(config_.namespace_, job_name(config_.minicluster, pipeline_.store()));
  pipeline_.start();
  // Clients can connect already and wait. Without this the first of them would be told that there are no
  // numbers yet.
  pipeline_.await_first_word(first_word_time);
  tell_what_is_served();
  http_.run(true);
  if (agent_) agent_->stop();
  pipeline_.stop();
  const bool tidy = !cluster_ || cluster_->stop();
  log::info("stopped");
  return tidy;
}

void MetricsServer::tell_what_is_served() const {
  if (config_.prometheus_only) {
    log::info("serving Prometheus metrics at http://{}:{}/metrics", config_.host, port());
    log::warning(
        "plain HTTP: anyone who can reach the port can read everything; `start` serves /metrics with access "
        "control");
    return;
  }
  log::info("serving https and http on {} port {}, namespace {}, service {}", config_.host, port(),
            config_.namespace_, config_.service_name);
  if (config_.insecure_skip_auth) {
    log::warning("--insecure-skip-auth: anyone who can reach the port can read everything");
  } else if (cluster_) {
    log::info("access is controlled by the cluster, through {}", cluster_->description());
  } else {
    log::warning(
        "no cluster to authorize clients: only plain HTTP from this host is answered, HTTPS gets 401; give "
        "--kubeconfig, or --insecure-skip-auth to answer everyone");
  }
}

}  // namespace fluxmetrics::server
