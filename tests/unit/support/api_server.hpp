// A Kubernetes API server by plain HTTP, whose answers the test makes, and the kubeconfig that leads to it.
#pragma once

#include <atomic>
#include <functional>
#include <gtest/gtest.h>
#include <string>

#include "http/fixture.hpp"
#include "kube/cluster_access.hpp"

namespace fluxmetrics::test {

class ApiServer {
 public:
  // `answer` is called on the server's thread, which may wait in it.
  explicit ApiServer(http::FunctionHandler::Function answer)
      : server_({}, [this, answer = std::move(answer)](const http::Request& request) {
          ++asked_;
          return answer(request);
        }) {
    kubeconfig_ = directory_.write("kubeconfig",
                                   "current-context: c\ncontexts: [{name: c, context: {cluster: c}}]\n"
                                   "clusters: [{name: c, cluster: {server: '" +
                                       server_.url("http", "") + "'}}]\n");
  }
  [[nodiscard]] const std::string& kubeconfig() const { return kubeconfig_; }
  [[nodiscard]] kube::AccessSource access() const { return kube::AccessSource::kubeconfig(kubeconfig_); }
  [[nodiscard]] int asked() const { return asked_; }

 private:
  http::TemporaryDirectory directory_;
  std::string kubeconfig_;
  std::atomic<int> asked_ = 0;
  http::RunningServer server_;  // the last: it ends first
};

inline http::Response json_answer(const std::string& body, int status = 200) {
  http::Response response;
  response.status = status;
  response.body = std::make_shared<const std::string>(body);
  return response;
}

}  // namespace fluxmetrics::test
