// What the cluster says about who may be believed: the ConfigMap
// kube-system/extension-apiserver-authentication, read, and shared between the thread that watches it and the
// thread that serves.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "http/client_certificate.hpp"

namespace fluxmetrics::access {

inline constexpr const char* authentication_config_map = "kube-system/extension-apiserver-authentication";

// Who may speak for others, and in which headers.
struct RequestHeaderConfig {
  http::CaPool authority;
  std::vector<std::string> allowed_names = {};  // common names; empty = any
  std::vector<std::string> user_headers = {};
  std::vector<std::string> uid_headers = {};
  std::vector<std::string> group_headers = {};
  std::vector<std::string> extra_prefixes = {};
};

struct AuthenticationConfig {
  std::uint64_t generation = 0;                            // another one for another configuration
  std::optional<http::CaPool> client_authority = {};       // of client-ca-file; none = no client certificates
  std::optional<RequestHeaderConfig> request_header = {};  // none = no aggregator
};

// Of the ConfigMap's `data`. Errors: Code::invalid naming the key that cannot be used.
[[nodiscard]] Result<AuthenticationConfig> parse_authentication_config(const boost::json::object& data);

class AuthenticationState {
 public:
  struct View {
    std::shared_ptr<const AuthenticationConfig> config;  // null until it could be read once
    std::string trouble;                                 // why it could not, while `config` is null
  };
  void publish(AuthenticationConfig config);  // sets its generation
  void set_trouble(std::string why);
  [[nodiscard]] View view() const;
  // 0 until the first configuration. Cheap.
  [[nodiscard]] std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  mutable std::mutex mutex_;
  View view_{.config = nullptr, .trouble = "it has not been read yet"};
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace fluxmetrics::access
