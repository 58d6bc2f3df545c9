// May this user do that? The cluster's answer: SubjectAccessReview.
#pragma once

#include <string>

#include "access/attributes.hpp"
#include "access/review_cache.hpp"
#include "kube/rest_client.hpp"

namespace fluxmetrics::access {

struct AccessAnswer {
  bool allowed = false;
  std::string reason = {};  // the authorizer's, "" for none
};

// What a SubjectAccessReview is sent as, and what its answer means. Errors: Code::unavailable, denied or
// protocol; nobody is let in then.
[[nodiscard]] std::string access_review_body(const boost::json::object& spec);
[[nodiscard]] Result<AccessAnswer> read_access_review(const http::Fetched& answer);

class AccessReviewer {
 public:
  using Cache = ReviewCache<AccessAnswer>;
  AccessReviewer(kube::RestClient& client, Seconds allowed_for, Seconds denied_for);
  boost::asio::awaitable<Result<Cache::Answer>> review(const AccessAttributes& attributes,
                                                       const Identity& identity);

 private:
  boost::asio::awaitable<Result<Cache::Answer>> ask(std::string body, bool keep);

  kube::RestClient& client_;
  Seconds allowed_for_;
  Seconds denied_for_;
  Cache cache_;
};

}  // namespace fluxmetrics::access
