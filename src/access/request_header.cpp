#include "access/request_header.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace fluxmetrics::access {
namespace {

// What follows the prefix in a header's name; nullopt when it has another beginning.
std::optional<std::string_view> after_prefix(std::string_view name, std::string_view prefix) {
  if (!starts_ignoring_case(name, prefix)) return std::nullopt;
  return name.substr(prefix.size());
}

// Lower case, and percent-decoded; a text with a broken escape stays as it is.
std::string extra_key(std::string_view suffix) {
  const auto key = lowered(suffix);
  return http::percent_decoded(key).value_or(key);
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
      if (!value.empty() && same_ignoring_case(name, wanted)) identity.groups.push_back(value);
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
    return std::ranges::any_of(
        names, [header](const std::string& name) { return same_ignoring_case(header, name); });
  };
  return listed(config.user_headers) || listed(config.group_headers) || listed(config.uid_headers) ||
         std::ranges::any_of(config.extra_prefixes, [header](const std::string& prefix) {
           return after_prefix(header, prefix).has_value();
         });
}

}  // namespace fluxmetrics::access
