#include "api/request_header.hpp"

#include <algorithm>

namespace fluxmetrics::api {
namespace {

char lower_case(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower_case, lower_case);
}

// What follows the prefix in a header's name; nullopt when it has another beginning.
std::optional<std::string_view> after_prefix(std::string_view name, std::string_view prefix) {
  if (name.size() < prefix.size() || !same_name(name.substr(0, prefix.size()), prefix)) return std::nullopt;
  return name.substr(prefix.size());
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower_case(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Lower case, and percent-decoded; a text with a broken escape stays as it is.
std::string extra_key(std::string_view suffix) {
  std::string key(suffix);
  std::ranges::transform(key, key.begin(), lower_case);
  std::string decoded;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key[i] != '%') {
      decoded += key[i];
      continue;
    }
    const int high = i + 2 < key.size() ? hex_value(key[i + 1]) : -1;
    const int low = i + 2 < key.size() ? hex_value(key[i + 2]) : -1;
    if (high < 0 || low < 0) return key;
    decoded += static_cast<char>((high * 16) + low);
    i += 2;
  }
  return decoded;
}

// The first value that is not empty, looked for in the order of `names`.
std::string first_value(const http::Headers& headers, const std::vector<std::string>& names) {
  for (const auto& wanted : names) {
    // Of several lines of one header, the first counts.
    if (const auto value = http::find_header(headers, wanted); value && !value->empty())
      return std::string(*value);
  }
  return {};
}

}  // namespace

std::optional<Identity> identity_from_headers(const http::Headers& headers,
                                              const RequestHeaderConfig& config) {
  Identity identity{.name = first_value(headers, config.user_headers)};
  if (identity.name.empty()) return std::nullopt;
  identity.uid = first_value(headers, config.uid_headers);
  for (const auto& wanted : config.group_headers) {
    for (const auto& [name, value] : headers) {
      if (!value.empty() && same_name(name, wanted)) identity.groups.push_back(value);
    }
  }
  for (const auto& prefix : config.extra_prefixes) {
    for (const auto& [name, value] : headers) {
      if (const auto suffix = after_prefix(name, prefix)) identity.extra[extra_key(*suffix)].push_back(value);
    }
  }
  return identity;
}

bool tells_identity(std::string_view header, const RequestHeaderConfig& config) {
  const auto listed = [header](const std::vector<std::string>& names) {
    return std::ranges::any_of(names, [header](const std::string& name) { return same_name(header, name); });
  };
  return listed(config.user_headers) || listed(config.group_headers) || listed(config.uid_headers) ||
         std::ranges::any_of(config.extra_prefixes, [header](const std::string& prefix) {
           return after_prefix(header, prefix).has_value();
         });
}

}  // namespace fluxmetrics::api
