#include "access/identity.hpp"

#include <algorithm>

#include <boost/json/array.hpp>

namespace fluxmetrics::access {
namespace {

constexpr const char* all_authenticated = "system:authenticated";
constexpr const char* all_unauthenticated = "system:unauthenticated";

std::string text_member(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::vector<std::string> text_array(const boost::json::value* value) {
  std::vector<std::string> texts;
  if (value == nullptr || !value->is_array()) return texts;
  for (const auto& item : value->get_array()) {
    if (item.is_string()) texts.emplace_back(item.get_string());
  }
  return texts;
}

boost::json::array to_array(const std::vector<std::string>& texts) {
  boost::json::array array(texts.begin(), texts.end());
  return array;
}

}  // namespace

bool Identity::in(std::string_view group) const {
  return std::ranges::find(groups, group) != groups.end();
}

Identity anonymous() {
  return {.name = "system:anonymous", .groups = {all_unauthenticated}};
}

Identity authenticated(Identity identity) {
  if (!identity.in(all_authenticated) && !identity.in(all_unauthenticated)) {
    identity.groups.emplace_back(all_authenticated);
  }
  return identity;
}

std::optional<Identity> identity_from_json(const boost::json::object& user) {
  Identity identity{.name = text_member(user, "username"),
                    .uid = text_member(user, "uid"),
                    .groups = text_array(user.if_contains("groups"))};
  if (identity.name.empty()) return std::nullopt;
  if (const auto* extra = user.if_contains("extra"); extra != nullptr && extra->is_object()) {
    for (const auto& [key, values] : extra->get_object())
      identity.extra[std::string(key)] = text_array(&values);
  }
  return identity;
}

void write_identity(const Identity& identity, boost::json::object& spec) {
  spec["user"] = identity.name;
  if (!identity.groups.empty()) spec["groups"] = to_array(identity.groups);
  if (!identity.extra.empty()) {
    boost::json::object extra;
    for (const auto& [key, values] : identity.extra)
      extra[key] = to_array(values);
    spec["extra"] = std::move(extra);
  }
  if (!identity.uid.empty()) spec["uid"] = identity.uid;
}

}  // namespace fluxmetrics::access
