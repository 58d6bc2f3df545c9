#include "api/api.hpp"

#include "api/audit.hpp"
#include "api/custom_metrics.hpp"
#include "api/documents.hpp"
#include "api/freshness.hpp"
#include "api/health.hpp"
#include "api/negotiation.hpp"
#include "api/router.hpp"
#include "base/log.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::api {
namespace {

using Kind = Route::Kind;

constexpr std::size_t longest_logged = 512;

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

void log_metric(const http::Request& request, const MetricAnswer& answer) {
  if (!log::enabled(log::Level::info)) return;
  log::info("{} - {} {} {} {} age {}{}{}", request.peer.address, request.method,
            std::string_view(request.target).substr(0, longest_logged), answer.response.status, answer.value,
            answer.age ? fmt::format("{:.1f}s", answer.age->count()) : "-",
            answer.message.empty() ? "" : ": ", answer.message);
}

}  // namespace

struct Api::Impl {
  ApiOptions options;
  const metrics::Store& store;
  std::vector<std::string> extra_root;
  Documents documents;
  CustomMetrics custom_metrics;
  AuditIds audit_ids;

  Impl(ApiOptions options_, const metrics::Store& store_)
      : options(normalized(std::move(options_))),
        store(store_),
        extra_root(segments_of(options.api_path)),
        documents(options),
        custom_metrics(options, store) {}

  http::Response index(int status) const {
    auto response = ok(documents.index);
    response.status = status;
    return response;
  }

  http::Response answer(const http::Request& request) {
    const auto target = http::parse_target(request.target);
    if (!request.peer.tls && !request.peer.same_host && !options.insecure_http)
      return refuse_plain(request, target);
    if (!target) {
      return kube::to_response({.code = 400,
                                .reason = "BadRequest",
                                .message = "the request's path cannot be read: it must begin with / "
                                           "and escape with %XX"});
    }
    const auto route = find_route(*target, extra_root);
    if (!is_api(route.kind)) return answer_other(route, *target);
    return answer_api(request, route, *target);
  }

  static http::Response refuse_plain(const http::Request& request,
                                     const std::optional<http::Target>& target) {
    const auto layout = negotiate(request.headers, target.value_or(http::Target())).layout;
    auto response = to_response(plain_http_refused(), layout);
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return response;
  }

  // Paths outside the API look neither at the method nor at Accept.
  http::Response answer_other(const Route& route, const http::Target& target) const {
    if (route.kind == Kind::index) return index(200);
    if (route.kind == Kind::health) {
      const auto trouble =
          data_trouble(store.view(), options.max_staleness, std::chrono::steady_clock::now());
      if (auto response = answer_health(route, target, trouble)) return std::move(*response);
    }
    return index(404);
  }

  http::Response answer_api(const http::Request& request, const Route& route, const http::Target& target) {
    const auto negotiated = negotiate(request.headers, target);
    const auto layout = negotiated.layout;
    if (route.kind == Kind::unknown_in_group) return to_response(unknown_resource(), layout);
    if (request.method != "GET") return to_response(method_not_allowed(), layout);
    if (negotiated.refusal) return to_response(*negotiated.refusal, layout);
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
    auto metric = custom_metrics.answer(route, target, request.target, layout);
    log_metric(request, metric);
    return std::move(metric.response);
  }
};

Api::Api(ApiOptions options, const metrics::Store& store)
    : impl_(std::make_unique<Impl>(std::move(options), store)) {}
Api::~Api() = default;

http::Response Api::handle(const http::Request& request) {
  auto response = impl_->answer(request);
  response.headers.emplace_back("Audit-Id", impl_->audit_ids.of(request.headers));
  response.headers.emplace_back("Cache-Control", "no-cache, private");
  const auto level = impl_->options.log_every_request ? log::Level::info : log::Level::debug;
  if (log::enabled(level)) {
    log::write(level,
               fmt::format("{} - {} {} {}", request.peer.address, request.method,
                           std::string_view(request.target).substr(0, longest_logged), response.status));
  }
  return response;
}

}  // namespace fluxmetrics::api
