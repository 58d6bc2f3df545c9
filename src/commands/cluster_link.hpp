// The cluster that a server asks about its clients: REST clients and the watch of the authentication
// ConfigMap, on a thread of their own.
#pragma once

#include <memory>
#include <string>

#include "api/access_control.hpp"
#include "base/result.hpp"

namespace fluxmetrics::commands {

struct ClusterLinkOptions {
  std::string kubeconfig = {};
  std::string authentication_kubeconfig = {};  // "" = kubeconfig, and that "" = the pod's service account
  std::string authorization_kubeconfig = {};
};

class ClusterLink {
 public:
  // Null when nothing names a cluster and this is no pod. Errors: a kubeconfig that cannot be used, or one of
  // two.
  [[nodiscard]] static Result<std::unique_ptr<ClusterLink>> find(const ClusterLinkOptions& options);
  ClusterLink(const ClusterLink&) = delete;
  ClusterLink& operator=(const ClusterLink&) = delete;
  ~ClusterLink();

  [[nodiscard]] api::ClusterAuthority authority();
  [[nodiscard]] const std::string& description() const;  // for a log line
  void start();
  // To be called after the server has stopped and before it is destroyed: both wait for each other's work.
  void stop();

 private:
  struct Impl;
  explicit ClusterLink(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxmetrics::commands
