// The API server's front: from an HTTP request to a handler of this room. Values are read from the store;
// only the question who may read them can take waiting.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "access/control.hpp"
#include "api/options.hpp"
#include "http/handler.hpp"
#include "kube/pods.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::api {

class ClusterDocuments;
class Subtree;

class Api : public http::Handler {
 public:
  // `access` decides who may read; null = everybody may. `pods` are the MiniCluster's; null = nobody can list
  // them. Both must live as long as this.
  Api(ApiOptions options, const metrics::Store& store, access::AccessControl* access = nullptr,
      const kube::PodStore* pods = nullptr);
  // From here on clients on this host get the cluster's own documents from `documents` where it has them.
  void forward(ClusterDocuments& documents);
  // From here on `subtree` answers below its root. It must live as long as this.
  void mount(Subtree& subtree);
  ~Api() override;
  [[nodiscard]] std::optional<http::Response> answer(const http::Request& request) override;
  [[nodiscard]] boost::asio::awaitable<http::Response> answer_later(http::Request request) override;
  [[nodiscard]] std::size_t most_body(const http::Request& head) const override;
  void end_waits() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxmetrics::api
