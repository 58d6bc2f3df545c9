// What a request wants, in the words of Kubernetes authorization: verb, resource, name or path.
#pragma once

#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "access/identity.hpp"
#include "http/message.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::access {

struct AccessAttributes {
  std::string verb = {};
  bool resource_request = false;
  std::string path = {};  // decoded, without query
  std::string group = {};
  std::string version = {};
  std::string namespace_ = {};
  std::string resource = {};
  std::string subresource = {};
  std::string name = {};
  // Requirements of the selectors, for the verbs that act on more than one object.
  boost::json::array label_requirements = {};
  boost::json::array field_requirements = {};
};

// As k8s.io/apiserver's RequestInfo, of the path's segments as the router sees them. `extra_root`: the
// segments below which the tree of v1beta2 is found too; they count as that tree.
[[nodiscard]] AccessAttributes attributes_of(const http::Request& request, const http::Target& target,
                                             const std::vector<std::string>& extra_root);

// The spec of a SubjectAccessReview.
[[nodiscard]] boost::json::object review_spec(const AccessAttributes& attributes, const Identity& identity);

// The 403 of somebody who may not; `reason` as the authorizer told it, "" for none.
[[nodiscard]] kube::Status forbidden(const AccessAttributes& attributes, const Identity& identity,
                                     const std::string& reason);

// & < > as Go's servers write them into messages that repeat what a client sent.
[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace fluxmetrics::access
