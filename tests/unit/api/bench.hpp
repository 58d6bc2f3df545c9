// An Api over snapshots that the test makes, asked without sockets.
#pragma once

#include <algorithm>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "api/api.hpp"
#include "metrics/catalogue.hpp"

namespace fluxmetrics::api {

inline constexpr const char* v1 = "/apis/custom.metrics.k8s.io/v1beta1";
inline constexpr const char* v2 = "/apis/custom.metrics.k8s.io/v1beta2";
inline const std::string service_root =
    std::string(v2) + "/namespaces/flux-operator/services/custom-metrics-apiserver/";

struct Bench {
  metrics::Store store;
  kube::PodStore pods;
  ApiOptions options;
  Api api;
  std::uint64_t generation = 0;
  instance::InstanceState instance = leader_of("flux-sample-0");  // of the snapshots that are published

  explicit Bench(ApiOptions chosen = {}) : options(std::move(chosen)), api(options, store, nullptr, &pods) {}

  static WallTime noon() { return from_unix(1795348800); }  // 2026-11-22T12:00:00Z

  static instance::InstanceState leader_of(const std::string& hostname) {
    instance::InstanceState state;
    state.hostname = hostname;
    return state;
  }

  // One family for each metric of the catalogue: node_up_count as told, two queues with two waiting jobs and
  // a running one in job_count, and nothing in the others.
  static std::vector<metrics::Family> families(double nodes_up = 4) {
    std::vector<metrics::Family> made;
    for (const auto& description : *metrics::built_in()) {
      made.push_back({.description = &description, .items = {}, .missing = {}});
    }
    named(made, "node_up_count").items = {{.labels = {}, .value = nodes_up}};
    const auto item = [](const char* queue, const char* state, double value) {
      return metrics::Item{.labels = {{"queue", queue}, {"state", state}}, .value = value};
    };
    named(made, "job_count").items = {item("batch", "sched", 2), item("batch", "run", 1),
                                      item("debug", "sched", 0), item("debug", "run", 0)};
    return made;
  }

  static metrics::Family& named(std::vector<metrics::Family>& families, std::string_view name) {
    return *std::ranges::find(families, name,
                              [](const metrics::Family& family) { return family.description->name; });
  }

  void publish(std::vector<metrics::Family> made = families(), Seconds age = Seconds(0)) {
    auto state = std::make_shared<instance::InstanceState>(instance);
    state->queues.resize(3);
    state->queues[0].name = "batch";
    state->queues[1].name = "debug";
    state->queues[2].name = "empty";
    auto snapshot = std::make_shared<metrics::Snapshot>();
    snapshot->state = std::move(state);
    snapshot->families = std::make_shared<const std::vector<metrics::Family>>(std::move(made));
    snapshot->confirmed = {
        .wall = noon(),
        .mono = std::chrono::steady_clock::now() - std::chrono::duration_cast<MonoTime::duration>(age)};
    snapshot->generation = ++generation;
    store.publish(std::move(snapshot));
  }

  http::Response get(const std::string& target, http::Headers headers = {}, const std::string& method = "GET",
                     http::Peer peer = {.address = "192.0.2.1", .tls = true, .same_host = false}) {
    return *api.answer(
        {.method = method, .target = target, .headers = std::move(headers), .peer = std::move(peer)});
  }
};

inline std::string message_of(const http::Response& response) {
  const auto body = boost::json::parse(*response.body);
  return std::string(body.as_object().at("message").as_string());
}

inline std::string reason_of(const http::Response& response) {
  const auto body = boost::json::parse(*response.body);
  const auto* reason = body.as_object().if_contains("reason");
  return reason == nullptr ? "" : std::string(reason->as_string());
}

inline std::string header_of(const http::Response& response, std::string_view name) {
  return std::string(http::find_header(response.headers, name).value_or("absent"));
}

}  // namespace fluxmetrics::api
