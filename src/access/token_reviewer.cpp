#include "access/token_reviewer.hpp"

#include <boost/json/parse.hpp>

#include "base/json_members.hpp"
#include "kube/json.hpp"

namespace fluxmetrics::access {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr const char* token_review_path = "/apis/authentication.k8s.io/v1/tokenreviews";
constexpr std::size_t most_tokens = 4096;
constexpr std::size_t most_token_reviews = 256;

}  // namespace

std::string token_review_body(const std::string& token) {
  return kube::json_body(json::object{{"kind", "TokenReview"},
                                      {"apiVersion", "authentication.k8s.io/v1"},
                                      {"metadata", json::object()},
                                      {"spec", json::object{{"token", token}}},
                                      {"status", json::object{{"user", json::object()}}}},
                         kube::Layout::compact);
}

Result<std::shared_ptr<const Identity>> read_token_review(const http::Fetched& answer) {
  if (answer.status == 401 || answer.status == 403) {
    return fail(Code::denied,
                "the API server does not allow this server to create TokenReviews: {}; bind the ClusterRole "
                "system:auth-delegator to its user",
                kube::message_of(answer));
  }
  if (answer.status != 200 && answer.status != 201) {
    return fail(Code::unavailable, "the TokenReview was not answered: {}", kube::message_of(answer));
  }
  json::error_code error;
  const auto body = json::parse(answer.body, error);
  const auto* status = error ? nullptr : object_at(body.if_object(), "status");
  if (status == nullptr) return fail(Code::protocol, "the API server's answer is not a TokenReview");
  if (flag_at(status, "authenticated").value_or(false)) {
    const auto* user = object_at(status, "user");
    auto identity = user == nullptr ? std::nullopt : identity_from_json(*user);
    if (!identity) return fail(Code::protocol, "the TokenReview names no user");
    return std::make_shared<const Identity>(authenticated(std::move(*identity)));
  }
  const auto trouble = text_at(status, "error").value_or("");
  if (!trouble.empty()) return fail(Code::unavailable, "the TokenReview ended with the error: {}", trouble);
  return nullptr;
}

TokenReviewer::TokenReviewer(kube::RestClient& client, Seconds kept_for)
    : client_(client), kept_for_(kept_for), cache_(most_tokens, most_token_reviews) {}

asio::awaitable<Result<TokenReviewer::Cache::Answer>> TokenReviewer::review(std::string token) {
  const auto digest = digest_.of(token);
  std::string key(digest.data(), digest.size());
  Cache::Ask question = [this, token = std::move(token)] { return ask(token); };
  co_return co_await cache_.get(std::move(key), std::move(question));
}

asio::awaitable<Result<TokenReviewer::Cache::Answer>> TokenReviewer::ask(std::string token) {
  kube::RestCall call{.method = "POST", .path = token_review_path, .body = token_review_body(token)};
  const auto answer = co_await client_.call(std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  auto identity = read_token_review(*answer);
  if (!identity) co_return std::unexpected(identity.error());
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<MonoTime::duration>(kept_for_);
  Cache::Answer kept{.value = std::move(*identity), .until = until};
  co_return kept;
}

}  // namespace fluxmetrics::access
