// Who asks, as Kubernetes sees users.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

namespace fluxmetrics::access {

struct Identity {
  std::string name = {};
  std::string uid = {};
  std::vector<std::string> groups = {};
  std::map<std::string, std::vector<std::string>> extra = {};

  [[nodiscard]] bool in(std::string_view group) const;
  [[nodiscard]] bool operator==(const Identity&) const = default;
};

inline constexpr const char* group_of_masters = "system:masters";

// Somebody who showed nothing.
[[nodiscard]] Identity anonymous();

// The same with the group that all authenticated users have.
[[nodiscard]] Identity authenticated(Identity identity);

// `status.user` of a TokenReview; nullopt when it has no name.
[[nodiscard]] std::optional<Identity> identity_from_json(const boost::json::object& user);

// Adds user, groups, extra and uid to the spec of a SubjectAccessReview.
void write_identity(const Identity& identity, boost::json::object& spec);

}  // namespace fluxmetrics::access
