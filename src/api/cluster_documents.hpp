// What the cluster's own API server says at /apis and /openapi, for clients on this host: fetched with this
// server's credentials, kept for a while, and asked for again by ETag.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include <boost/asio/awaitable.hpp>

#include "api/documents.hpp"
#include "base/clock.hpp"
#include "http/message.hpp"
#include "kube/rest_client.hpp"

namespace fluxmetrics::api {

struct ClusterDocumentsOptions {
  bool keep = true;  // false: every request asks the cluster
  Seconds fresh_for{60};
};

// Used on the serving thread only.
class ClusterDocuments {
 public:
  ClusterDocuments(kube::RestClient& client, ClusterDocumentsOptions options)
      : client_(client), options_(options) {}

  // Whether the request, whose target says `target`, is for one of these documents. Only plain HTTP from this
  // host is: the aggregator, which may live on this host too, speaks TLS, and must get this server's own
  // documents.
  [[nodiscard]] static bool concerns(const http::Request& request, const http::Target& target);

  // From memory; nullopt when the cluster must be asked: fetch().
  [[nodiscard]] std::optional<http::Response> find(const http::Request& request) const;
  boost::asio::awaitable<http::Response> fetch(http::Request request);

 private:
  struct Kept {
    Body body;
    std::string etag;  // as sent, with its quotes; "" = none
    MonoTime fresh_until;
  };
  void keep(const std::string& target, Kept document);

  kube::RestClient& client_;
  ClusterDocumentsOptions options_;
  std::unordered_map<std::string, Kept> kept_;  // by target
  std::size_t bytes_ = 0;                       // of all bodies
};

}  // namespace fluxmetrics::api
