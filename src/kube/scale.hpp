// autoscaling/v1 Scale: the size of anything that has one, at the subresource `scale`.
#pragma once

#include <cstdint>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "kube/rest_client.hpp"

namespace fluxmetrics::kube {

struct Scale {
  std::string name_space = {};
  std::string name = {};
  std::string resource_version = {};  // of the whole object that is scaled
  std::int32_t wanted = 0;            // spec.replicas; a size of 0 is written by leaving it out
  std::int32_t current = 0;           // status.replicas
  std::string selector = {};          // status.selector: the labels of its pods, as text
  [[nodiscard]] bool operator==(const Scale&) const = default;
};

// Errors: Code::protocol, with the field that is wrong.
[[nodiscard]] Result<Scale> read_scale(const boost::json::value& document);
// The whole object as an API server writes it.
[[nodiscard]] boost::json::object to_json(const Scale& scale);

// `path`: of the object that is scaled, as /apis/apps/v1/namespaces/n/deployments/d. Errors of all: as
// RestClient::object(), read_scale().
boost::asio::awaitable<Result<Scale>> get_scale(RestClient& client, std::string path, Seconds timeout);
// Sets the size by a merge patch, if the object is still of this version; goes out once. Code::conflict:
// somebody changed it since; Code::invalid, and nothing is sent, without a version. Unavailable or timed_out:
// it may have been set all the same.
boost::asio::awaitable<Result<Scale>> patch_scale(RestClient& client, std::string path,
                                                  std::string resource_version, std::int32_t size,
                                                  Seconds timeout);

}  // namespace fluxmetrics::kube
