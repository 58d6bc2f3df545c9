#include "access/authentication_config.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "base/json_members.hpp"

namespace fluxmetrics::access {
namespace {

constexpr const char* client_ca_key = "client-ca-file";
constexpr const char* proxy_ca_key = "requestheader-client-ca-file";

std::unexpected<Error> bad_key(std::string_view key, std::string_view why) {
  return fail(Code::invalid, "the key {} of the ConfigMap {} cannot be used: {}", key,
              authentication_config_map, why);
}

Result<std::optional<http::CaPool>> parse_pool(const boost::json::object& data, std::string_view key) {
  const std::string pem(text_at(&data, key).value_or(""));
  if (pem.empty()) return std::nullopt;
  auto pool = http::CaPool::parse(pem);
  if (!pool) return bad_key(key, pool.error().message);
  return std::move(*pool);
}

// A JSON array of texts inside a text.
Result<std::vector<std::string>> parse_names(const boost::json::object& data, std::string_view key) {
  const auto text = text_at(&data, key).value_or("");
  std::vector<std::string> names;
  if (text.empty()) return names;
  boost::system::error_code error;
  const auto value = boost::json::parse(text, error);
  if (!error && value.is_null()) return names;
  if (error || !value.is_array()) return bad_key(key, "it is not a JSON array of names");
  for (const auto& item : value.get_array()) {
    if (!item.is_string()) return bad_key(key, "it is not a JSON array of names");
    names.emplace_back(item.get_string());
  }
  return names;
}

}  // namespace

Result<AuthenticationConfig> parse_authentication_config(const boost::json::object& data) {
  AuthenticationConfig config;
  auto clients = parse_pool(data, client_ca_key);
  if (!clients) return std::unexpected(clients.error());
  config.client_authority = std::move(*clients);
  auto proxies = parse_pool(data, proxy_ca_key);
  if (!proxies) return std::unexpected(proxies.error());
  if (!*proxies) return config;

  RequestHeaderConfig headers{.authority = std::move(**proxies)};
  const auto read = [&data](std::string_view key, std::vector<std::string>& into) -> Result<void> {
    auto names = parse_names(data, key);
    if (!names) return std::unexpected(names.error());
    into = std::move(*names);
    return {};
  };
  for (const auto& [key, into] : {std::pair{"requestheader-allowed-names", &headers.allowed_names},
                                  std::pair{"requestheader-username-headers", &headers.user_headers},
                                  std::pair{"requestheader-uid-headers", &headers.uid_headers},
                                  std::pair{"requestheader-group-headers", &headers.group_headers},
                                  std::pair{"requestheader-extra-headers-prefix", &headers.extra_prefixes}}) {
    if (auto done = read(key, *into); !done) return std::unexpected(done.error());
  }
  config.request_header = std::move(headers);
  return config;
}

void AuthenticationState::publish(AuthenticationConfig config) {
  const std::scoped_lock lock(mutex_);
  const auto next = generation_.load(std::memory_order_relaxed) + 1;
  config.generation = next;
  view_ = {.config = std::make_shared<const AuthenticationConfig>(std::move(config)), .trouble = {}};
  generation_.store(next, std::memory_order_release);
}

void AuthenticationState::set_trouble(std::string why) {
  const std::scoped_lock lock(mutex_);
  if (!view_.config) view_.trouble = std::move(why);
}

AuthenticationState::View AuthenticationState::view() const {
  const std::scoped_lock lock(mutex_);
  return view_;
}

}  // namespace fluxmetrics::access
