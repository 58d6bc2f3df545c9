// The cluster that a server asks about its clients and its pods: REST clients, the watch of the
// authentication ConfigMap and that of the pods, on a thread of their own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "access/control.hpp"
#include "base/result.hpp"
#include "kube/pods.hpp"
#include "kube/rest_client.hpp"

namespace fluxmetrics::server {

struct ClusterLinkOptions {
  std::string kubeconfig = {};
  std::string authentication_kubeconfig = {};  // "" = kubeconfig, and that "" = the pod's service account
  std::string authorization_kubeconfig = {};
  bool authenticates = true;  // false: it is asked about no client
};

class ClusterLink {
 public:
  // Null when nothing names a cluster and this is no pod. Errors: a kubeconfig that cannot be used, or one of
  // two.
  [[nodiscard]] static Result<std::unique_ptr<ClusterLink>> find(const ClusterLinkOptions& options);
  ClusterLink(const ClusterLink&) = delete;
  ClusterLink& operator=(const ClusterLink&) = delete;
  ~ClusterLink();

  [[nodiscard]] access::ClusterAuthority authority();    // empty when it is asked about no client
  [[nodiscard]] const std::string& description() const;  // for a log line
  // To read other things of the cluster with.
  [[nodiscard]] kube::RestClient& client();
  // The pods that are watched, from start() on.
  [[nodiscard]] const kube::PodStore& pods() const;
  // Has `changed` called, on this one's thread, when pods() has changed. To be called before start().
  void on_pods(std::function<void()> changed);
  // `job` names the Job whose pods are watched, in `name_space`; it is called on the link's thread.
  void start(std::string name_space, std::function<std::string()> job);
  // To be called after the server has stopped and before it is destroyed: both wait for each other's work.
  // False when something goes on that cannot be interrupted: then the process must end without destroying
  // anything.
  [[nodiscard]] bool stop();

 private:
  struct Impl;
  explicit ClusterLink(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxmetrics::server
