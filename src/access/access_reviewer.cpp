#include "access/access_reviewer.hpp"

#include <boost/json/parse.hpp>

#include "base/json_members.hpp"
#include "kube/json.hpp"

namespace fluxmetrics::access {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr const char* access_review_path = "/apis/authorization.k8s.io/v1/subjectaccessreviews?timeout=10s";
constexpr std::size_t most_answers = 8192;
constexpr std::size_t most_access_reviews = 256;
constexpr std::size_t longest_kept = 10000;  // of a review; longer ones would fill the memory

}  // namespace

std::string access_review_body(const json::object& spec) {
  return kube::json_body(json::object{{"kind", "SubjectAccessReview"},
                                      {"apiVersion", "authorization.k8s.io/v1"},
                                      {"metadata", json::object()},
                                      {"spec", spec},
                                      {"status", json::object{{"allowed", false}}}},
                         kube::Layout::compact);
}

Result<AccessAnswer> read_access_review(const http::Fetched& answer) {
  if (answer.status == 401 || answer.status == 403) {
    return fail(
        Code::denied,
        "the API server does not allow this server to create SubjectAccessReviews: {}; bind the ClusterRole "
        "system:auth-delegator to its user",
        kube::message_of(answer));
  }
  if (answer.status != 200 && answer.status != 201) {
    return fail(Code::unavailable, "the SubjectAccessReview was not answered: {}", kube::message_of(answer));
  }
  json::error_code error;
  const auto body = json::parse(answer.body, error);
  const auto* status = error ? nullptr : object_at(body.if_object(), "status");
  if (status == nullptr) return fail(Code::protocol, "the API server's answer is not a SubjectAccessReview");
  return AccessAnswer{
      .allowed = flag_at(status, "allowed").value_or(false) && !flag_at(status, "denied").value_or(false),
      .reason = std::string(text_at(status, "reason").value_or(""))};
}

AccessReviewer::AccessReviewer(kube::RestClient& client, Seconds allowed_for, Seconds denied_for)
    : client_(client),
      allowed_for_(allowed_for),
      denied_for_(denied_for),
      cache_(most_answers, most_access_reviews) {}

asio::awaitable<Result<AccessReviewer::Cache::Answer>> AccessReviewer::review(
    const AccessAttributes& attributes, const Identity& identity) {
  auto body = access_review_body(review_spec(attributes, identity));
  const bool keep = body.size() <= longest_kept;
  auto key = body;
  Cache::Ask question = [this, body = std::move(body), keep] { return ask(body, keep); };
  return cache_.get(std::move(key), std::move(question));
}

asio::awaitable<Result<AccessReviewer::Cache::Answer>> AccessReviewer::ask(std::string body, bool keep) {
  kube::RestCall call{.method = "POST", .path = access_review_path, .body = std::move(body)};
  const auto answer = co_await client_.call(std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  auto verdict = read_access_review(*answer);
  if (!verdict) co_return std::unexpected(verdict.error());
  const auto kept_for = verdict->allowed ? allowed_for_ : denied_for_;
  auto until = std::chrono::steady_clock::now();
  if (keep) until += std::chrono::duration_cast<MonoTime::duration>(kept_for);
  Cache::Answer kept{.value = std::move(*verdict), .until = until};
  co_return kept;
}

}  // namespace fluxmetrics::access
