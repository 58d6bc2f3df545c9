// coordination.k8s.io/v1 Lease: which of several replicas leads. As client-go 0.37 writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "kube/micro_time.hpp"
#include "kube/rest_client.hpp"

namespace fluxmetrics::kube {

struct Lease {
  std::string name_space = {};
  std::string name = {};
  std::string resource_version = {};                  // "" of one that is not made yet
  std::string holder = {};                            // holderIdentity; "" = nobody
  std::optional<std::int32_t> duration_seconds = {};  // how long after the renewal others must wait
  std::optional<MicroTime> acquired = {};             // by this holder
  std::optional<MicroTime> renewed = {};
  std::int32_t transitions = 0;   // from one holder to another
  boost::json::object read = {};  // as it came; what has no member here (labels, owners) is written back so
  [[nodiscard]] bool operator==(const Lease&) const = default;
};

// Errors: Code::protocol, with the field that is wrong.
[[nodiscard]] Result<Lease> read_lease(const boost::json::value& document);
// The whole object, for POST and PUT.
[[nodiscard]] boost::json::object to_json(const Lease& lease);

// All three go out once: who campaigns has a rhythm of its own. Errors: as RestClient::object(),
// read_lease().
boost::asio::awaitable<Result<Lease>> get_lease(RestClient& client, std::string name_space, std::string name,
                                                Seconds timeout);
// Code::conflict: somebody else has made it.
boost::asio::awaitable<Result<Lease>> create_lease(RestClient& client, Lease lease, Seconds timeout);
// Replaces the Lease of this resourceVersion. Code::conflict: somebody else has written it since, the race is
// lost; Code::invalid, and nothing is sent, without a resourceVersion, since that would overwrite any.
// Unavailable or timed_out: it may have been written all the same.
boost::asio::awaitable<Result<Lease>> update_lease(RestClient& client, Lease lease, Seconds timeout);

}  // namespace fluxmetrics::kube
