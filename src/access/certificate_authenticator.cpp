#include "access/certificate_authenticator.hpp"

#include <algorithm>

#include "kube/json.hpp"

namespace fluxmetrics::access {
namespace {

constexpr std::size_t most_verdicts = 4096;

std::string fault(const http::ClientCertificate& certificate, std::string_view key, std::string_view why) {
  return fmt::format("the client certificate ({}) is not accepted under {} of the ConfigMap {}: {}",
                     http::describe(certificate), key, authentication_config_map, why);
}

void judge_proxy(const std::vector<std::string>& chain, const http::ClientCertificate& certificate,
                 const RequestHeaderConfig& config, WallTime now, ChainVerdict& verdict) {
  if (const auto verified = config.authority.verify(chain, now); !verified) {
    verdict.faults.push_back(fault(certificate, "requestheader-client-ca-file", verified.error().message));
    return;
  }
  const auto& allowed = config.allowed_names;
  if (!allowed.empty() && std::ranges::find(allowed, certificate.common_name) == allowed.end()) {
    verdict.faults.push_back(
        fault(certificate, "requestheader-allowed-names",
              fmt::format("its common name {} is not among {}", kube::go_quote(certificate.common_name),
                          fmt::join(allowed, ", "))));
    return;
  }
  verdict.front_proxy = true;
}

void judge_person(const std::vector<std::string>& chain, const http::ClientCertificate& certificate,
                  const http::CaPool& authority, WallTime now, ChainVerdict& verdict) {
  if (const auto verified = authority.verify(chain, now); !verified) {
    verdict.faults.push_back(fault(certificate, "client-ca-file", verified.error().message));
    return;
  }
  if (certificate.common_name.empty()) return;
  Identity identity{.name = certificate.common_name, .groups = certificate.organizations};
  identity.extra["authentication.kubernetes.io/credential-id"] = {"X509SHA256=" + certificate.fingerprint};
  verdict.person = std::make_shared<const Identity>(authenticated(std::move(identity)));
}

}  // namespace

ChainVerdict judge_chain(const std::vector<std::string>& chain, const AuthenticationConfig& config,
                         WallTime now) {
  ChainVerdict verdict;
  if (chain.empty()) return verdict;
  const auto certificate = http::read_client_certificate(chain.front());
  if (!certificate) {
    verdict.faults.push_back(certificate.error().message);
    return verdict;
  }
  verdict.not_after = certificate->not_after;
  if (config.request_header) judge_proxy(chain, *certificate, *config.request_header, now, verdict);
  if (config.client_authority) judge_person(chain, *certificate, *config.client_authority, now, verdict);
  return verdict;
}

std::shared_ptr<const ChainVerdict> ChainVerdicts::of(const CertificateChain& chain,
                                                      const AuthenticationConfig& config, Now now) {
  if (const auto found = kept_.find(chain.get()); found != kept_.end()) {
    const auto& kept = found->second;
    if (kept.chain.lock() == chain && kept.generation == config.generation && now.mono < kept.until) {
      return kept.verdict;
    }
  }
  if (kept_.size() >= most_verdicts) {
    std::erase_if(kept_, [](const auto& entry) { return entry.second.chain.expired(); });
    if (kept_.size() >= most_verdicts) kept_.clear();
  }
  auto verdict = std::make_shared<const ChainVerdict>(judge_chain(*chain, config, now.wall));
  const auto left = std::clamp(Seconds(verdict->not_after - now.wall), Seconds(0), kept_for);
  kept_[chain.get()] = {.chain = chain,
                        .verdict = verdict,
                        .generation = config.generation,
                        .until = now.mono + std::chrono::duration_cast<MonoTime::duration>(left)};
  return verdict;
}

}  // namespace fluxmetrics::access
