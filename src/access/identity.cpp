#include "access/identity.hpp"

#include <algorithm>

#include <boost/json/array.hpp>

#include "base/json_members.hpp"

namespace fluxmetrics::access {
namespace {

constexpr const char* all_authenticated = "system:authenticated";
constexpr const char* all_unauthenticated = "system:unauthenticated";

std::vector<std::string> texts_of(const boost::json::array* array) {
  std::vector<std::string> texts;
  if (array == nullptr) return texts;
  for (const auto& item : *array) {
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
  Identity identity{.name = std::string(text_at(&user, "username").value_or("")),
                    .uid = std::string(text_at(&user, "uid").value_or("")),
                    .groups = texts_of(array_at(&user, "groups"))};
  if (identity.name.empty()) return std::nullopt;
  if (const auto* extra = object_at(&user, "extra")) {
    for (const auto& [key, values] : *extra)
      identity.extra[std::string(key)] = texts_of(values.if_array());
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
