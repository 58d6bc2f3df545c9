// What a client's certificate chain proves: that it may speak for others, or who it is.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "access/authentication_config.hpp"
#include "access/identity.hpp"
#include "base/clock.hpp"

namespace fluxmetrics::access {

using CertificateChain = std::shared_ptr<const std::vector<std::string>>;

struct ChainVerdict {
  bool front_proxy = false;                // its headers are believed
  std::shared_ptr<const Identity> person;  // who the certificate itself names; null when it proves nobody
  std::vector<std::string> faults;         // why not, each a sentence for the log; the client never sees it
  WallTime not_after = WallTime::max();    // of the certificate
};

[[nodiscard]] ChainVerdict judge_chain(const std::vector<std::string>& chain,
                                       const AuthenticationConfig& config, WallTime now);

// Remembers verdicts for as long as their connections live, at most `kept_for`, and only under the
// configuration that they were made under.
class ChainVerdicts {
 public:
  static constexpr Seconds kept_for{60};
  [[nodiscard]] std::shared_ptr<const ChainVerdict> of(const CertificateChain& chain,
                                                       const AuthenticationConfig& config, Now now);

 private:
  struct Kept {
    std::weak_ptr<const std::vector<std::string>> chain;  // an address alone may be somebody else's by now
    std::shared_ptr<const ChainVerdict> verdict;
    std::uint64_t generation = 0;
    MonoTime until;
  };
  std::unordered_map<const void*, Kept> kept_;
};

}  // namespace fluxmetrics::access
