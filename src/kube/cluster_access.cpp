#include "kube/cluster_access.hpp"

#include <cstdlib>
#include <filesystem>

#include "base/log.hpp"
#include "http/certificate.hpp"

namespace fluxmetrics::kube {
namespace {

constexpr auto check_interval = std::chrono::seconds(1);

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

}  // namespace

std::optional<PodAccount> find_pod_account() {
  PodAccount account;
  account.host = environment("KUBERNETES_SERVICE_HOST");
  account.port = environment("KUBERNETES_SERVICE_PORT");
  std::error_code ignored;
  if (account.host.empty() || account.port.empty() ||
      !std::filesystem::exists(account.directory + "/token", ignored)) {
    return std::nullopt;
  }
  return account;
}

Result<ClusterAccess> read_pod_account(const PodAccount& account) {
  auto token = http::read_pem_file(account.directory + "/token", "service account token");
  if (!token) return std::unexpected(token.error());
  auto ca = http::read_pem_file(account.directory + "/ca.crt", "service account CA");
  if (!ca) return std::unexpected(ca.error());
  token->erase(token->find_last_not_of(" \t\r\n") + 1);
  if (token->empty()) return fail(Code::invalid, "the token file '{}/token' is empty", account.directory);
  const bool v6 = account.host.contains(':');
  return ClusterAccess{
      .where = "the pod's service account",
      .server = fmt::format("https://{}{}{}:{}", v6 ? "[" : "", account.host, v6 ? "]" : "", account.port),
      .ca = std::move(*ca),
      .token = std::move(*token)};
}

Result<ClusterAccess> AccessSource::read() const {
  return path_.empty() ? read_pod_account(account_) : read_kubeconfig(path_);
}

Result<std::shared_ptr<const ClusterAccess>> AccessSource::current(MonoTime now, bool now_please) {
  if (last_ && !now_please && now - checked_ < check_interval) return last_;
  checked_ = now;
  auto next = read();
  if (!next) {
    if (!last_) return std::unexpected(next.error());
    if (told_ != next.error().message) {
      told_ = next.error().message;
      log::warning("the previously read credentials stay in use: {}", told_);
    }
    return last_;
  }
  told_.clear();
  if (!last_ || *last_ != *next) {
    if (last_) log::info("read the changed credentials of {} again", next->where);
    last_ = std::make_shared<const ClusterAccess>(std::move(*next));
  }
  return last_;
}

}  // namespace fluxmetrics::kube
