#include "api/api.hpp"

#include "api/audit.hpp"
#include "api/custom_metrics.hpp"
#include "api/documents.hpp"
#include "api/freshness.hpp"
#include "api/health.hpp"
#include "api/known_requests.hpp"
#include "api/request_log.hpp"
#include "api/router.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::api {
namespace {

using Kind = Route::Kind;

http::Response ok(Body body) {
  http::Response response;
  response.body = std::move(body);
  return response;
}

kube::Status plain_http_refused() {
  return {.code = 403,
          .reason = "Forbidden",
          .message =
              "plain HTTP is answered only to clients on the server's own host: use https:// (curl --cacert "
              "FILE, "
              "or curl -k), or start the server with --insecure-http"};
}

kube::Status method_not_allowed() {
  return {.code = 405,
          .reason = "MethodNotAllowed",
          .message = "the server does not allow this method on the requested resource",
          .empty_details = true};
}

kube::Status unknown_resource() {
  return {.code = 404,
          .reason = "NotFound",
          .message = "the server could not find the requested resource",
          .empty_details = true};
}

// "custom/v1/" -> "/custom/v1"
std::string with_slashes(const std::vector<std::string>& segments) {
  std::string path;
  for (const auto& segment : segments)
    path += "/" + segment;
  return path;
}

std::vector<std::string> segments_of(const std::string& path) {
  const auto target = http::parse_target(path.starts_with('/') ? path : "/" + path);
  return target ? target->segments : std::vector<std::string>();
}

ApiOptions normalized(ApiOptions options) {
  options.api_path = with_slashes(segments_of(options.api_path));
  return options;
}

}  // namespace

struct Api::Impl {
  ApiOptions options;
  const metrics::Store& store;
  KnownRequests known_requests;
  Documents documents;
  CustomMetrics custom_metrics;
  AuditIds audit_ids;
  RequestLog log;

  Impl(ApiOptions options_, const metrics::Store& store_)
      : options(normalized(std::move(options_))),
        store(store_),
        known_requests(segments_of(options.api_path)),
        documents(options),
        custom_metrics(options, store),
        log(options.log_every_request) {}

  http::Response index(int status) const {
    auto response = ok(documents.index);
    response.status = status;
    return response;
  }

  http::Response answer(const http::Request& request) {
    KnownRequest& known = known_requests.find(request);
    if (!request.peer.tls && !request.peer.same_host && !options.insecure_http) return refuse_plain(known);
    if (!known.target) {
      return kube::to_response({.code = 400,
                                .reason = "BadRequest",
                                .message = "the request's path cannot be read: it must begin with / "
                                           "and escape with %XX"});
    }
    if (!is_api(known.route.kind)) return answer_other(known.route, *known.target);
    return answer_api(request, known);
  }

  static http::Response refuse_plain(const KnownRequest& known) {
    auto response = to_response(plain_http_refused(), known.negotiated.layout);
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return response;
  }

  // Paths outside the API look neither at the method nor at Accept.
  http::Response answer_other(const Route& route, const http::Target& target) const {
    if (route.kind == Kind::index) return index(200);
    if (route.kind == Kind::health) {
      const auto view = store.view();
      const auto trouble = data_trouble(view, options.max_staleness, std::chrono::steady_clock::now());
      if (auto response = answer_health(route, target, trouble, view.effort)) return std::move(*response);
    }
    return index(404);
  }

  http::Response answer_api(const http::Request& request, KnownRequest& known) {
    const Route& route = known.route;
    const auto layout = known.negotiated.layout;
    if (route.kind == Kind::unknown_in_group) return to_response(unknown_resource(), layout);
    if (request.method != "GET") return to_response(method_not_allowed(), layout);
    if (known.negotiated.refusal) return to_response(*known.negotiated.refusal, layout);
    switch (route.kind) {
      case Kind::version:
        return ok(documents.version);
      case Kind::group_list:
        return ok(documents.group_list.in(layout));
      case Kind::group:
        return ok(documents.group.in(layout));
      case Kind::resource_list:
        return ok(documents.resources(route.version).in(layout));
      default:
        break;
    }
    auto metric = custom_metrics.answer(known);
    log.metric(request, metric, std::chrono::steady_clock::now());
    return std::move(metric.response);
  }
};

Api::Api(ApiOptions options, const metrics::Store& store)
    : impl_(std::make_unique<Impl>(std::move(options), store)) {}
Api::~Api() = default;

std::optional<http::Response> Api::answer(const http::Request& request) {
  auto response = impl_->answer(request);
  response.headers.reserve(response.headers.size() + 2);
  response.headers.emplace_back("Audit-Id", impl_->audit_ids.of(request.headers));
  response.headers.emplace_back("Cache-Control", "no-cache, private");
  impl_->log.request(request, response.status, std::chrono::steady_clock::now());
  return response;
}

boost::asio::awaitable<http::Response> Api::answer_later(http::Request request) {
  co_return std::move(*answer(request));
}

}  // namespace fluxmetrics::api
