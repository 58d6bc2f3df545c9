// Who may have an answer: puts authentication and authorization together, and remembers what was decided.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "access/access_reviewer.hpp"
#include "access/authentication_config.hpp"
#include "access/certificate_authenticator.hpp"
#include "access/token_reviewer.hpp"
#include "http/digest.hpp"
#include "http/message.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::access {

struct AccessOptions {
  enum class Mode {
    open,       // everybody may (--insecure-skip-auth)
    delegated,  // the cluster decides
    closed,     // there is no cluster to ask: nobody may, but from this host by plain HTTP
  };
  Mode mode = Mode::open;
  std::vector<std::string> extra_root = {};  // of the router
  Seconds token_ttl{10};
  Seconds allowed_ttl{10};
  Seconds denied_ttl{10};
  // What a path of this server stands for; nullopt: the path itself. Null: no path does.
  std::function<std::optional<AccessAttributes>(const http::Target&)> stands_for = {};
};

// What a request may get.
struct AccessDecision {
  std::string user = "-";                    // for the log
  std::optional<kube::Status> refusal = {};  // 401 or 403
  std::string failure = {};                  // 500: the decision could not be made; for the log
  [[nodiscard]] bool allowed() const { return !refusal && failure.empty(); }
};

// The cluster's side of it, for Mode::delegated.
struct ClusterAuthority {
  AuthenticationState* state = nullptr;
  kube::RestClient* tokens = nullptr;                             // takes TokenReviews
  kube::RestClient* access = nullptr;                             // takes SubjectAccessReviews
  std::function<boost::asio::awaitable<void>()> look_again = {};  // reads the ConfigMap now
};

// Used on the serving thread only.
class AccessControl {
 public:
  using Decided = std::shared_ptr<const AccessDecision>;
  AccessControl(AccessOptions options, ClusterAuthority authority);
  AccessControl(const AccessControl&) = delete;
  AccessControl& operator=(const AccessControl&) = delete;
  ~AccessControl() = default;

  // From memory; null when somebody must be asked: decide_later().
  [[nodiscard]] Decided decide(const http::Request& request);
  // `target`: the request's, as it is served; nullopt when it cannot be read.
  boost::asio::awaitable<Decided> decide_later(http::Request request, std::optional<http::Target> target);

  // Whether anybody is asked who they are; else everybody may.
  [[nodiscard]] bool asks() const { return options_.mode != AccessOptions::Mode::open; }
  // Why this server cannot authenticate anybody yet; "" when it can, nullopt when it does not have to.
  [[nodiscard]] std::optional<std::string> trouble() const;

 private:
  struct Authentication {
    std::shared_ptr<const Identity> identity;  // null: refused
    std::string fault = {};                    // why, for the log
    MonoTime until = MonoTime::max();
  };
  struct Remembered {
    Decided decision;
    CertificateChain chain;  // held, so that its address stays its own
    std::uint64_t generation = 0;
    MonoTime until;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  [[nodiscard]] std::uint64_t generation() const {
    return authority_.state ? authority_.state->generation() : 0;
  }
  bool write_key(const http::Request& request);
  boost::asio::awaitable<Authentication> authenticate(http::Request request);
  boost::asio::awaitable<std::shared_ptr<const ChainVerdict>> judge_certificates(CertificateChain chain);
  boost::asio::awaitable<void> authenticate_token(http::Request request, Authentication& result);
  boost::asio::awaitable<AccessDecision> authorize(http::Request request, std::optional<http::Target> target,
                                                   Authentication& who);
  void remember(const http::Request& request, const Decided& decision, std::uint64_t made_under,
                MonoTime until);
  void log_once(const std::string& sentence);

  AccessOptions options_;
  ClusterAuthority authority_;
  std::optional<TokenReviewer> tokens_;
  std::optional<AccessReviewer> access_;
  ChainVerdicts chains_;
  http::SecretDigest digest_;
  std::shared_ptr<const AuthenticationConfig> config_;  // as of its generation
  std::string key_;                                     // room for write_key()
  Decided let_in_;
  std::unordered_map<std::string, Remembered, TextHash, std::equal_to<>> remembered_;
  std::unordered_map<std::string, MonoTime> logged_;
};

}  // namespace fluxmetrics::access
