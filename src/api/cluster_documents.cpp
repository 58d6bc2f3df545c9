#include "api/cluster_documents.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::api {

namespace asio = boost::asio;

namespace {

constexpr std::size_t most_bytes = 64U << 20U;  // a cluster's documents have a few MB
constexpr std::size_t most_kept = 256;
constexpr std::size_t longest_target = 1024;

bool is_document(const http::Target& target) {
  const auto& path = target.segments;
  const bool plain = std::ranges::none_of(path, [](const std::string& segment) {
    return segment == "." || segment == ".." || segment.contains('/');
  });
  if (target.empty_segment || !plain || path.empty()) return false;
  if (path[0] == "apis") return path.size() == 1;
  return path[0] == "openapi" && path.size() >= 2 &&
         (path[1] == "v3" || (path[1] == "v2" && path.size() == 2));
}

http::Response answer_of(const http::Request& request, const Body& body, const std::string& etag) {
  http::Response response;
  if (!etag.empty()) response.headers.emplace_back("ETag", etag);
  if (!etag.empty() && http::find_header(request.headers, "If-None-Match") == etag) {
    response.status = 304;
  } else {
    response.body = body;
  }
  return response;
}

http::Response failure(int code, const char* reason, std::string message) {
  return kube::to_response({.code = code, .reason = reason, .message = std::move(message)});
}

// What is no document: the cluster's refusal, or that it cannot be asked.
http::Response refusal(const http::Request& request, const Result<http::Fetched>& answer) {
  const auto path = request.target.substr(0, request.target.find('?'));
  if (!answer) {
    return failure(503, "ServiceUnavailable",
                   fmt::format("the cluster could not be queried for {}: {}", path, answer.error().message));
  }
  const auto location = http::find_header(answer->headers, "Location");
  if (answer->status == 301 && location && location->starts_with("/openapi/")) {
    http::Response response;
    response.status = 301;
    response.headers.emplace_back("Location", *location);
    return response;
  }
  auto message = fmt::format("the cluster does not return {}: {}", path, kube::message_of(*answer));
  if (answer->status == 404) return failure(404, "NotFound", std::move(message));
  if (answer->status == 403) return failure(403, "Forbidden", std::move(message));
  return failure(503, "ServiceUnavailable", std::move(message));
}

}  // namespace

bool ClusterDocuments::concerns(const http::Request& request, const http::Target& target) {
  const bool local = request.peer.same_host && !request.peer.tls;
  const bool maybe = request.target.starts_with("/apis") || request.target.starts_with("/openapi");
  if (!local || !maybe || request.method != "GET" || request.target.size() > longest_target) return false;
  // What is asked for there is named by the text of the request; a slash that hides in it names nothing.
  if (lowered(request.target.substr(0, request.target.find('?'))).contains("%2f")) return false;
  return is_document(target);
}

std::optional<http::Response> ClusterDocuments::find(const http::Request& request) const {
  const auto found = kept_.find(request.target);
  if (found == kept_.end() || std::chrono::steady_clock::now() >= found->second.fresh_until)
    return std::nullopt;
  return answer_of(request, found->second.body, found->second.etag);
}

asio::awaitable<http::Response> ClusterDocuments::fetch(http::Request request) {
  kube::RestCall call{.path = request.target};
  Kept known;
  if (const auto found = kept_.find(request.target); found != kept_.end()) known = found->second;
  if (!known.etag.empty()) call.headers.emplace_back("If-None-Match", known.etag);
  const auto answer = co_await client_.call(std::move(call));
  const bool unchanged = answer && answer->status == 304 && known.body;
  if (!unchanged && (!answer || answer->status != 200)) co_return refusal(request, answer);
  if (!unchanged) {
    known.body = std::make_shared<const std::string>(answer->body);
    known.etag = http::find_header(answer->headers, "ETag").value_or("");
  }
  if (options_.keep) keep(request.target, known);
  co_return answer_of(request, known.body, known.etag);
}

void ClusterDocuments::keep(const std::string& target, Kept document) {
  document.fresh_until =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<MonoTime::duration>(options_.fresh_for);
  if (const auto found = kept_.find(target); found != kept_.end()) {
    bytes_ -= found->second.body->size();
    kept_.erase(found);
  }
  if (bytes_ + document.body->size() > most_bytes || kept_.size() >= most_kept) {
    kept_.clear();
    bytes_ = 0;
  }
  bytes_ += document.body->size();
  kept_.emplace(target, std::move(document));
}

}  // namespace fluxmetrics::api
