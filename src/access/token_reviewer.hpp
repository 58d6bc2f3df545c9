// Bearer tokens, answered for by the cluster: TokenReview.
#pragma once

#include <memory>
#include <string>

#include "access/identity.hpp"
#include "access/review_cache.hpp"
#include "http/digest.hpp"
#include "kube/rest_client.hpp"

namespace fluxmetrics::access {

// What a TokenReview is sent as, and what its answer means.
[[nodiscard]] std::string token_review_body(const std::string& token);
// Null: not a valid token. Errors: Code::unavailable or protocol; nothing was said about the token.
[[nodiscard]] Result<std::shared_ptr<const Identity>> read_token_review(const http::Fetched& answer);

class TokenReviewer {
 public:
  using Cache = ReviewCache<std::shared_ptr<const Identity>>;  // null: not a valid token
  TokenReviewer(kube::RestClient& client, Seconds kept_for);
  boost::asio::awaitable<Result<Cache::Answer>> review(std::string token);

 private:
  boost::asio::awaitable<Result<Cache::Answer>> ask(std::string token);

  kube::RestClient& client_;
  Seconds kept_for_;
  http::SecretDigest digest_;  // tokens are not kept
  Cache cache_;
};

}  // namespace fluxmetrics::access
