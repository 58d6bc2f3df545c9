// Calls the cluster's API server: credentials that follow their files, kept connections, deadlines, and tries
// again where trying again helps.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/pooled_client.hpp"
#include "kube/cluster_access.hpp"

namespace fluxmetrics::kube {

struct RestCall {
  std::string method = "GET";
  std::string path = {};       // and query
  std::string body = {};       // JSON
  http::Headers headers = {};  // more than the usual ones; an Accept replaces the usual one
  Seconds timeout{10};         // for all tries together
  int tries = 5;               // at most; 1: what is wrong now is the answer
};

// Lives on one executor, the network's; call() and watch() may be awaited from any other.
class RestClient {
 public:
  RestClient(boost::asio::any_io_executor executor, AccessSource access)
      : executor_(std::move(executor)), access_(std::move(access)) {}
  RestClient(const RestClient&) = delete;
  RestClient& operator=(const RestClient&) = delete;
  ~RestClient() = default;

  // One answer, whatever its status. A broken connection, 429, 500, 503 and 504 are tried again, `tries`
  // times in all within `timeout`, with growing pauses, so a call that may not be repeated has one try.
  // Errors: none of the tries got an answer.
  boost::asio::awaitable<Result<http::Fetched>> call(RestCall call);

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
  Ready ready_;
};

// What an API server says in a Status, or the beginning of any other answer; for sentences.
[[nodiscard]] std::string message_of(const http::Fetched& answer);

}  // namespace fluxmetrics::kube
