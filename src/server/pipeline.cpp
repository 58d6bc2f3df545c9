#include "server/pipeline.hpp"

#include <chrono>
#include <string_view>
#include <thread>

namespace fluxmetrics::server {
namespace {

constexpr std::string_view nothing_heard = "no broker has answered yet";

}  // namespace

Result<std::unique_ptr<user::UserMetrics>> open_user_metrics(const std::vector<std::string>& files,
                                                             const Broker& broker, Seconds max_staleness) {
  if (files.empty()) return nullptr;
  return user::UserMetrics::open(
      {.files = files, .socket_paths = broker.socket_paths, .max_staleness = max_staleness});
}

std::shared_ptr<const metrics::Catalogue> catalogue_of(const user::UserMetrics* user) {
  return user == nullptr ? metrics::built_in() : user->catalogue();
}

Result<Found> find_all(const std::optional<std::string>& flux_uri, const sizing::SizePolicy& policy,
                       const std::vector<std::string>& custom_metrics, Seconds max_staleness) {
  if (policy.max_replicas && policy.min_replicas > *policy.max_replicas) {
    return fail(Code::invalid, "--min-replicas {} is above --max-replicas {}", policy.min_replicas,
                *policy.max_replicas);
  }
  auto broker = find_broker(flux_uri);
  if (!broker) return std::unexpected(broker.error());
  auto user = open_user_metrics(custom_metrics, *broker, max_staleness);
  if (!user) return std::unexpected(user.error());
  auto catalogue = catalogue_of(user->get());
  return Found{.broker = *std::move(broker), .user = *std::move(user), .catalogue = std::move(catalogue)};
}

autoscale::DrainerOptions drainer_options(const Broker& broker, const sizing::ResizePolicy& policy,
                                          autoscale::WatchedCluster cluster) {
  return {.socket_paths = broker.socket_paths,
          .follow_to_top = !broker.named,
          .policy = policy,
          .cluster = std::move(cluster)};
}

Pipeline::Pipeline(const Broker& broker, const sizing::SizePolicy& policy, Seconds max_staleness,
                   std::unique_ptr<user::UserMetrics> user)
    : broker_(broker),
      max_staleness_(max_staleness),
      publisher_(policy, broker.named, store_,
                 {.catalogue = catalogue_of(user.get()), .max_staleness = max_staleness}),
      user_(std::move(user)) {
  store_.set_trouble(std::string(nothing_heard), std::nullopt);
}

void Pipeline::drain(const sizing::ResizePolicy& policy, autoscale::WatchedCluster cluster,
                     Seconds acts_within) {
  store_.record_handed_out(acts_within, MonoTime::clock::now());
  drainer_.emplace(drainer_options(broker_, policy, std::move(cluster)), store_, publisher_);
  publisher_.let_decide([this](const metrics::Needed& needed) { drainer_->on_needed(needed); });
}

void Pipeline::stop() {
  if (drainer_) drainer_->stop();
  collector_.reset();
}

void Pipeline::start() {
  if (drainer_) drainer_->start();
  if (user_) user_->start([this](auto readings) { publisher_.on_readings(std::move(readings)); });
  collector_.emplace(instance::CollectorOptions{.socket_paths = broker_.socket_paths,
                                                .follow_to_top = !broker_.named,
                                                .max_staleness = max_staleness_},
                     instance::CollectorSink{
                         .state =
                             [this](std::shared_ptr<const instance::InstanceState> state, Now confirmed) {
                               publisher_.on_state(state, confirmed);
                               if (user_) user_->on_state(state, confirmed);
                             },
                         .trouble =
                             [this](instance::Trouble why) {
                               if (drainer_) drainer_->on_silence();
                               store_.set_trouble(std::move(why.reason), why.kind);
                             },
                         .effort = [this](const instance::Effort& effort) { store_.set_effort(effort); },
                         .rpc_times = [this](auto times) { store_.set_rpc_times(std::move(times)); }});
}

metrics::View Pipeline::look_until(Seconds at_most,
                                   const std::function<bool(const metrics::View&)>& enough) const {
  constexpr auto pause = std::chrono::milliseconds(5);
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration_cast<MonoTime::duration>(at_most);
  auto view = store_.view();
  while (!enough(view) && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(pause);
    view = store_.view();
  }
  return view;
}

void Pipeline::await_first_word(Seconds at_most) const {
  (void)look_until(at_most, [](const metrics::View& view) {
    return view.snapshot != nullptr || view.trouble != nothing_heard;
  });
}

metrics::View Pipeline::await_values(Seconds at_most, const std::function<bool()>& given_up) const {
  return look_until(at_most, [&given_up](const metrics::View& view) {
    return (view.snapshot != nullptr && !view.snapshot->awaits_user()) || given_up();
  });
}

}  // namespace fluxmetrics::server
