// Calls the cluster's API server: credentials that follow their files, kept connections, deadlines, and tries
// again where trying again helps.
#pragma once

#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "base/pauses.hpp"
#include "base/result.hpp"
#include "http/pooled_client.hpp"
#include "kube/answer.hpp"
#include "kube/cluster_access.hpp"

namespace fluxmetrics::kube {

// What a body is, and so what an API server does with that of a PATCH.
namespace media {
inline constexpr std::string_view json = "application/json";
inline constexpr std::string_view merge_patch = "application/merge-patch+json";  // RFC 7386
inline constexpr std::string_view json_patch = "application/json-patch+json";    // RFC 6902
// Server-side apply, which a query ?fieldManager=NAME goes with; JSON is YAML too.
inline constexpr std::string_view apply_patch = "application/apply-patch+yaml";
}  // namespace media

// How often a call goes out when there is no answer to it, or one that asks to come back.
struct RetryPolicy {
  int tries = 5;  // at most
  PauseRule pauses = {.first = Seconds(0.5),
                      .longest = Seconds(std::numeric_limits<double>::infinity()),
                      .growth = 1.5,
                      .jitter = 0.2};
};
// For a call that must not be made twice: what is wrong now is the answer, and when there is none, nobody
// knows whether the call was obeyed.
inline constexpr RetryPolicy once{.tries = 1};

struct RestCall {
  std::string method = "GET";
  std::string path = {};  // and query
  std::string body = {};
  std::string_view media_type = media::json;  // of the body
  http::Headers headers = {};                 // more than the usual ones; an Accept replaces the usual one
  Seconds timeout{10};                        // for all tries together
  RetryPolicy retry = {};
};

// Lives on one executor, the network's; call() and watch() may be awaited from any other.
class RestClient {
 public:
  RestClient(boost::asio::any_io_executor executor, AccessSource access, Clock clock = Now::read)
      : executor_(std::move(executor)), access_(std::move(access)), clock_(std::move(clock)) {}
  RestClient(const RestClient&) = delete;
  RestClient& operator=(const RestClient&) = delete;
  ~RestClient() = default;

  // One answer, whatever its status. A broken connection, 429, 500, 503 and 504 are tried again as the retry
  // policy says, within `timeout`, with growing pauses. A call other than GET with one try goes out once;
  // only a server that has not let it in (401) sees it again, with new credentials. Errors: none of the tries
  // got an answer.
  boost::asio::awaitable<Result<http::Fetched>> call(RestCall call);

  // The object in an answer of 2xx. Errors: as call(); by status as code_of() says.
  boost::asio::awaitable<Result<boost::json::object>> object(RestCall call);

  // A response that goes on: each piece of it is read with ResponseStream::next().
  boost::asio::awaitable<Result<http::ResponseStream>> stream(RestCall call);

  [[nodiscard]] const boost::asio::any_io_executor& executor() const { return executor_; }

 private:
  struct Ready {
    std::shared_ptr<const ClusterAccess> access;
    std::shared_ptr<http::PooledClient> client;
    std::string prefix;  // of every path
  };
  [[nodiscard]] Result<Ready> ready(bool read_again);
  [[nodiscard]] static http::OutgoingRequest outgoing(const Ready& ready, const RestCall& call);
  boost::asio::awaitable<Result<http::Fetched>> call_here(RestCall call);
  boost::asio::awaitable<Result<http::Fetched>> try_once(RestCall call);

  boost::asio::any_io_executor executor_;
  AccessSource access_;
  Clock clock_;
  Ready ready_;
};

}  // namespace fluxmetrics::kube
