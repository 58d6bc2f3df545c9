// Where the cluster's API server is, and what this program shows it: from a kubeconfig, or from the service
// account of the pod. Plain values; files are read here and nowhere else in the room.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fluxmetrics::kube {

struct ClusterAccess {
  std::string where = {};            // "the kubeconfig 'x'", "the pod's service account"; for sentences
  std::string server = {};           // https://HOST[:PORT][/PREFIX]
  std::string tls_server_name = {};  // what the server's certificate must be for; "" = the host of `server`
  bool verify = true;                // the server's certificate
  std::string ca = {};               // PEM; "" = the system's
  std::string certificate = {};      // PEM of the client; both or none
  std::string key = {};
  std::string token = {};
  [[nodiscard]] bool operator==(const ClusterAccess&) const = default;
};

// The current context of a kubeconfig, with the files that it names (relative to `path`) read.
// Errors: Code::not_found or denied for files, invalid for what they say, unsupported for credentials that
// another program would have to make (exec, auth-provider).
[[nodiscard]] Result<ClusterAccess> read_kubeconfig(const std::string& path);

// The service account of the pod that this program runs in; nullopt outside of one. `directory` holds token
// and ca.crt; `host` and `port` come from KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT.
struct PodAccount {
  std::string directory = "/var/run/secrets/kubernetes.io/serviceaccount";
  std::string host = {};
  std::string port = {};
};
[[nodiscard]] std::optional<PodAccount> find_pod_account();
[[nodiscard]] Result<ClusterAccess> read_pod_account(const PodAccount& account);

// Follows the files behind a ClusterAccess: tokens and certificates rotate while the program runs.
class AccessSource {
 public:
  [[nodiscard]] static AccessSource kubeconfig(std::string path) { return {std::move(path), {}}; }
  [[nodiscard]] static AccessSource pod(PodAccount account) { return {{}, std::move(account)}; }

  // Reads again at most once a second, or at once when `now_please`. What cannot be read is told once, and
  // what was read before stays. Errors: only while nothing could be read yet.
  [[nodiscard]] Result<std::shared_ptr<const ClusterAccess>> current(MonoTime now, bool now_please = false);
  [[nodiscard]] Result<ClusterAccess> read() const;

 private:
  AccessSource(std::string path, PodAccount account) : path_(std::move(path)), account_(std::move(account)) {}

  std::string path_;
  PodAccount account_;
  std::shared_ptr<const ClusterAccess> last_;
  MonoTime checked_;
  std::string told_;  // the last trouble in the log
};

}  // namespace fluxmetrics::kube
