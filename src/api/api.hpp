// The API server's front: from an HTTP request to a handler of this room. Values are read from the store;
// only the question who may read them can take waiting.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "api/access_control.hpp"
#include "base/clock.hpp"
#include "http/handler.hpp"
#include "kube/pods.hpp"
#include "metrics/catalogue.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::api {

class ClusterDocuments;

struct ApiOptions {
  std::string namespace_ = "flux-operator";
  std::string service_name = "custom-metrics-apiserver";
  std::string minicluster = {};  // "" = the leader's host name less its "-N"
  std::string api_path =
      {};  // an extra root for the custom metrics API, as the prototype's --api-path; "" = none
  Seconds max_staleness{30};
  bool insecure_http = false;      // plain HTTP answered to every peer
  std::uint16_t port = 0;          // the port served, told in /apis; 0 = not told
  bool log_every_request = false;  // at info; otherwise only metric requests are
  std::size_t most_waiting = 400;  // requests that wait for the cluster at the same time; 0 = any number
  Seconds request_timeout{60};     // for one that waits; its query's `timeout` may say less
  bool prometheus_only = false;    // nothing of Kubernetes is served: for `exporter`
  std::shared_ptr<const metrics::Catalogue> catalogue = metrics::built_in();  // of the store's snapshots
};

class Api : public http::Handler {
 public:
  // `access` decides who may read; null = everybody may. `pods` are the MiniCluster's; null = nobody can list
  // them. Both must live as long as this.
  Api(ApiOptions options, const metrics::Store& store, AccessControl* access = nullptr,
      const kube::PodStore* pods = nullptr);
  // From here on clients on this host get the cluster's own documents from `documents` where it has them.
  void forward(ClusterDocuments& documents);
  ~Api() override;
  [[nodiscard]] std::optional<http::Response> answer(const http::Request& request) override;
  [[nodiscard]] boost::asio::awaitable<http::Response> answer_later(http::Request request) override;
  void end_waits() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxmetrics::api
