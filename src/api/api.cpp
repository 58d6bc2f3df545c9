#include "api/api.hpp"

#include "api/audit.hpp"
#include "api/cluster_documents.hpp"
#include "api/compression.hpp"
#include "api/documents.hpp"
#include "api/freshness.hpp"
#include "api/health.hpp"
#include "api/known_requests.hpp"
#include "api/metric_answers.hpp"
#include "api/own_metrics.hpp"
#include "api/page_answer.hpp"
#include "api/prometheus_endpoint.hpp"
#include "api/reader.hpp"
#include "api/request_log.hpp"
#include "api/router.hpp"
#include "api/subtree.hpp"
#include "api/waiting.hpp"
#include "kube/json.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::api {

namespace asio = boost::asio;

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

kube::Status timed_out() {
  return {.code = 504,
          .reason = "Timeout",
          .message = "Timeout: request did not complete within the allotted timeout",
          .empty_details = true};
}

kube::Status ending() {
  return {.code = 503, .reason = "ServiceUnavailable", .message = "this server is shutting down"};
}

// What the Go server says: not a Status, and when to come again.
http::Response too_many_requests() {
  http::Response response;
  response.status = 429;
  response.content_type = "text/plain; charset=utf-8";
  response.headers = {{"Retry-After", "1"}, {"X-Content-Type-Options", "nosniff"}};
  response.body = std::make_shared<const std::string>("Too many requests, please try again later.\n");
  return response;
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

ApiOptions normalized(ApiOptions options) {
  options.api_path = with_slashes(root_segments(options.api_path));
  return options;
}

// One request on its way to its answer.
struct Exchange {
  const http::Request& request;
  KnownRequest& known;
  access::AccessControl::Decided decision;  // null: nobody has decided
  MonoTime began;                           // when the request had been read
  [[nodiscard]] std::string_view user() const { return decision ? std::string_view(decision->user) : "-"; }
};

}  // namespace

struct Api::Impl {
  ApiOptions options;
  const metrics::Store& store;
  access::AccessControl* access;
  ClusterDocuments* forwarded = nullptr;
  Subtree* subtree = nullptr;
  Waiting waiting;
  Documents documents;
  KnownRequests known_requests;
  MetricAnswers metric_answers;
  OwnMetrics own_metrics;
  PrometheusEndpoint prometheus;
  Compression compression;
  AuditIds audit_ids;
  RequestLog log;

  Impl(ApiOptions options_, const metrics::Store& store_, access::AccessControl* access_,
       const kube::PodStore* pods)
      : options(normalized(std::move(options_))),
        store(store_),
        access(access_),
        waiting(options.most_waiting),
        documents(options),
        known_requests(documents, root_segments(options.api_path)),
        metric_answers(options, store, pods),
        prometheus(options, store, own_metrics),
        log(options.log_every_request) {}

  http::Response index(int status) const {
    auto response = ok(documents.index());
    response.status = status;
    return response;
  }

  [[nodiscard]] bool plain_and_foreign(const http::Request& request) const {
    return !request.peer.tls && !request.peer.same_host && !options.insecure_http;
  }

  http::Response answer(Exchange& exchange) {
    const auto& [request, known, decision, began] = exchange;
    if (plain_and_foreign(request)) return refuse_plain(known);
    if (!known.target) {
      return kube::to_response({.code = 400,
                                .reason = "BadRequest",
                                .message = "the request's path cannot be read: it must begin with / "
                                           "and escape with %XX"});
    }
    if (!is_api(known.route.kind)) return answer_other(exchange, known.route, *known.target);
    if (options.prometheus_only) return index(404);
    auto response = known.page == nullptr
                        ? answer_api(exchange)
                        : answer_page(*known.page, request, *known.target, known.negotiated);
    compression.apply(request, response);
    return response;
  }

  // What somebody gets who may not have the answer, or of whom nobody could say whether he may.
  static http::Response refuse(const Exchange& exchange) {
    if (exchange.decision->refusal) {
      auto response = to_response(*exchange.decision->refusal, exchange.known.negotiated.form);
      if (response.status == 403) response.headers.emplace_back("X-Content-Type-Options", "nosniff");
      response.close = response.status == 401;
      return response;
    }
    http::Response response;
    response.status = 500;
    response.content_type = "text/plain; charset=utf-8";
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    response.body = std::make_shared<const std::string>(
        fmt::format("Internal Server Error: {}: the access review failed; this server's log says why\n",
                    access::escape_html(kube::go_quote(exchange.request.target))));
    return response;
  }

  http::Response finish(Exchange& exchange) {
    return dressed(exchange, exchange.decision->allowed() ? answer(exchange) : refuse(exchange));
  }

  // With what every answer has, counted and logged.
  http::Response dressed(const Exchange& exchange, http::Response response) {
    response.headers.reserve(response.headers.size() + 2);
    response.headers.emplace_back("Audit-Id", audit_ids.of(exchange.request.headers));
    if (!http::find_header(response.headers, "Cache-Control")) {
      response.headers.emplace_back("Cache-Control", "no-cache, private");
    }
    const auto now = std::chrono::steady_clock::now();
    own_metrics.answered(exchange.known.route.kind, response.status, now - exchange.began);
    log.request(exchange.request, exchange.user(), response.status, now);
    return response;
  }

  // Null: the cluster must be asked who may.
  access::AccessControl::Decided decide(const http::Request& request) const {
    static const auto let_in = std::make_shared<const access::AccessDecision>();
    return access == nullptr || plain_and_foreign(request) ? let_in : access->decide(request);
  }

  [[nodiscard]] bool is_forwarded(const http::Request& request, const KnownRequest& known) const {
    return forwarded != nullptr && known.target && ClusterDocuments::concerns(request, *known.target);
  }

  // Health and discovery wait as long as there is anybody to wait for: without them the cluster believes us
  // dead.
  [[nodiscard]] bool may_wait(const http::Request& request, const KnownRequest& known) const {
    if (!waiting.full()) return true;
    const auto kind = known.route.kind;
    return kind != Kind::metric && kind != Kind::external_metric && kind != Kind::subtree &&
           !is_forwarded(request, known);
  }

  [[nodiscard]] bool is_mounted(const KnownRequest& known) const {
    return subtree != nullptr && known.route.kind == Kind::subtree;
  }

  // What a request waits for.
  struct Learned {
    access::AccessControl::Decided decision;
    std::optional<http::Response> document = std::nullopt;  // of the cluster, or of the subtree
  };
  asio::awaitable<void> learn(http::Request request, KnownRequests::Known known,
                              std::shared_ptr<Learned> learned) const {
    learned->decision = decide(request);
    if (!learned->decision) learned->decision = co_await access->decide_later(request, known->target);
    if (!learned->decision->allowed()) co_return;
    if (is_mounted(*known)) {
      Caller caller{.user = learned->decision->user, .checked = access != nullptr && access->asks()};
      learned->document = co_await subtree->answer(request, *known->target, std::move(caller));
    } else if (is_forwarded(request, *known)) {
      learned->document = co_await forwarded->fetch(request);
    }
  }

  // --request-timeout, or less when the query says so.
  [[nodiscard]] Seconds time_for(const KnownRequest& known) const {
    const auto& target = known.target;
    const auto asked = target ? parse_duration(target->query_value("timeout").value_or("")) : Seconds(0);
    if (!asked || *asked <= Seconds(0)) return options.request_timeout;
    return std::min(*asked, options.request_timeout);
  }

  http::Response too_late(const Exchange& exchange) {
    const auto status = waiting.ended() ? ending() : timed_out();
    return dressed(exchange, to_response(status, exchange.known.negotiated.form));
  }

  static http::Response refuse_plain(const KnownRequest& known) {
    auto response = to_response(plain_http_refused(), known.negotiated.form);
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return response;
  }

  static http::Response refuse_method() {
    http::Response response;
    response.status = 405;
    response.content_type = "text/plain; charset=utf-8";
    response.headers.emplace_back("Allow", "GET, HEAD");
    response.body = std::make_shared<const std::string>("metrics are read with GET\n");
    return response;
  }

  // Other paths outside the API look neither at the method nor at Accept.
  http::Response answer_other(const Exchange& exchange, const Route& route, const http::Target& target) {
    const auto& request = exchange.request;
    if (route.kind == Kind::index) return index(200);
    if (route.kind == Kind::prometheus) {
      if (request.method != "GET" && request.method != "HEAD") return refuse_method();
      return prometheus.answer(request, target, reader_named(exchange.user()));
    }
    if (route.kind == Kind::health) {
      const auto view = store.view();
      const HealthState state{
          .data_trouble = data_trouble(view, options.max_staleness, std::chrono::steady_clock::now()),
          .condition = metrics::condition_of(view),
          .returns = view.returns,
          .scheduler = view.snapshot ? view.snapshot->state->scheduler : instance::Scheduler(),
          .effort = view.effort,
          .draining = view.draining,
          .authentication = access == nullptr ? std::nullopt : access->trouble(),
          .server_ending = request.server_ending};
      if (auto response = answer_health(route, target, state)) return std::move(*response);
    }
    return index(404);
  }

  http::Response answer_api(const Exchange& exchange) {
    const auto& [request, known, decision, began] = exchange;
    const Route& route = known.route;
    const auto form = known.negotiated.form;
    const bool metric_asked = route.kind == Kind::metric || route.kind == Kind::external_metric;
    if (!metric_asked) return to_response(unknown_resource(), form);
    if (request.method != "GET") return to_response(method_not_allowed(), form);
    if (known.negotiated.refusal) return to_response(*known.negotiated.refusal, form);
    auto metric = metric_answers.answer(known, reader_named(exchange.user()));
    log.metric(request, exchange.user(), metric, began);
    return std::move(metric.response);
  }
};

Api::Api(ApiOptions options, const metrics::Store& store, access::AccessControl* access,
         const kube::PodStore* pods)
    : impl_(std::make_unique<Impl>(std::move(options), store, access, pods)) {}
Api::~Api() = default;

void Api::forward(ClusterDocuments& documents) {
  impl_->forwarded = &documents;
}

void Api::mount(Subtree& subtree) {
  impl_->subtree = &subtree;
}

std::size_t Api::most_body(const http::Request& head) const {
  if (impl_->subtree == nullptr || !head.peer.tls) return 0;
  const auto target = http::parse_target(head.target);
  const bool below = target && !target->segments.empty() && target->segments.front() == subtree_root;
  return below ? impl_->subtree->most_body(head) : 0;
}

std::optional<http::Response> Api::answer(const http::Request& request) {
  const auto began = std::chrono::steady_clock::now();
  Exchange exchange{.request = request,
                    .known = *impl_->known_requests.find(request),
                    .decision = impl_->decide(request),
                    .began = began};
  const bool allowed = exchange.decision && exchange.decision->allowed();
  if (impl_->is_mounted(exchange.known)) {
    if (auto status = impl_->subtree->turn_away(request)) {
      exchange.decision = nullptr;
      return impl_->dressed(exchange, kube::to_response(*status));
    }
    if (exchange.decision && !allowed) return impl_->finish(exchange);
  } else if (allowed && impl_->is_forwarded(request, exchange.known)) {
    if (auto kept = impl_->forwarded->find(request)) return impl_->dressed(exchange, std::move(*kept));
  } else if (exchange.decision) {
    return impl_->finish(exchange);
  }
  if (impl_->may_wait(request, exchange.known)) return std::nullopt;
  exchange.decision = nullptr;
  return impl_->dressed(exchange, too_many_requests());
}

boost::asio::awaitable<http::Response> Api::answer_later(http::Request request) {
  const auto began = std::chrono::steady_clock::now();
  const auto known = impl_->known_requests.find(request);
  const auto learned = std::make_shared<Impl::Learned>();
  auto work = impl_->learn(request, known, learned);
  const bool done = co_await impl_->waiting.wait(std::move(work), impl_->time_for(*known));
  Exchange exchange{.request = request, .known = *known, .decision = nullptr, .began = began};
  if (!done) co_return impl_->too_late(exchange);
  exchange.decision = learned->decision;
  if (!learned->document) co_return impl_->finish(exchange);
  co_return impl_->dressed(exchange, std::move(*learned->document));
}

void Api::end_waits() {
  impl_->waiting.end_all();
}

}  // namespace fluxmetrics::api
