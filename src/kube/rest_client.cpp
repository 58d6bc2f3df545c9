#include "kube/rest_client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/rest.hpp"

namespace fluxmetrics::kube {

namespace asio = boost::asio;

namespace {

bool worth_another(const Result<http::Fetched>& answer) {
  if (!answer) return answer.error().code != Code::invalid && answer.error().code != Code::unsupported;
  return answer->status == 429 || answer->status == 500 || answer->status == 503 || answer->status == 504;
}

bool same_connection(const ClusterAccess& a, const ClusterAccess& b) {
  return a.server == b.server && a.tls_server_name == b.tls_server_name && a.verify == b.verify &&
         a.ca == b.ca && a.certificate == b.certificate && a.key == b.key;
}

}  // namespace

Result<RestClient::Ready> RestClient::ready(bool read_again) {
  auto access = access_.current(clock_().mono, read_again);
  if (!access) return std::unexpected(access.error());
  if (ready_.access == *access) return ready_;
  if (ready_.client && same_connection(*ready_.access, **access)) {
    ready_.access = std::move(*access);
    return ready_;
  }
  const auto& now = **access;
  auto to = http::parse_url(now.server);
  if (!to) return fail(Code::invalid, "the server of {}: {}", now.where, to.error().message);
  http::TlsContext tls;
  if (to->tls) {
    auto made = http::make_client_context(
        http::ClientTls{.ca = now.ca,
                        .identity = {.certificate = now.certificate, .key = now.key},
                        .where = now.where,
                        .verify = now.verify});
    if (!made && ready_.client) return ready_;  // half written files: the next look finds the other half
    if (!made) return std::unexpected(made.error());
    tls = std::move(*made);
  }
  std::string prefix = to->target.substr(0, to->target.find('?'));
  while (prefix.ends_with('/'))
    prefix.pop_back();
  ready_ = {.access = std::move(*access),
            .client = std::make_shared<http::PooledClient>(executor_, std::move(*to), std::move(tls),
                                                           now.tls_server_name),
            .prefix = std::move(prefix)};
  return ready_;
}

http::OutgoingRequest RestClient::outgoing(const Ready& ready, const RestCall& call) {
  http::OutgoingRequest request{.method = call.method,
                                .target = ready.prefix + call.path,
                                .headers = {{"User-Agent", "flux-metrics-api"}},
                                .body = call.body};
  if (!http::find_header(call.headers, "Accept")) request.headers.emplace_back("Accept", "application/json");
  request.headers.insert(request.headers.end(), call.headers.begin(), call.headers.end());
  if (!call.body.empty()) request.headers.emplace_back("Content-Type", call.media_type);
  // A token goes nowhere in clear text.
  if (!ready.access->token.empty() && ready.access->server.starts_with("https:")) {
    request.headers.emplace_back("Authorization", "Bearer " + ready.access->token);
  }
  return request;
}

// A refusal for the credentials' or the server's certificate's sake may mean that they have just rotated: the
// files are read again, and when they have changed, the call goes out again.
asio::awaitable<Result<http::Fetched>> RestClient::try_once(RestCall call) {
  const bool repeatable = call.retry.tries > 1 || call.method == "GET";
  const auto resend = repeatable ? http::Resend::on_new_connection : http::Resend::never;
  auto first = ready(false);
  if (!first) co_return std::unexpected(first.error());
  auto answer = co_await first->client->exchange(outgoing(*first, call), call.timeout, resend);
  const bool refused = answer ? answer->status == 401 : answer.error().code == Code::denied;
  if (!refused) co_return answer;
  auto second = ready(true);
  if (!second || second->access == first->access) co_return answer;
  co_return co_await second->client->exchange(outgoing(*second, call), call.timeout, resend);
}

asio::awaitable<Result<http::Fetched>> RestClient::call_here(RestCall call) {
  const auto end = clock_().mono + std::chrono::duration_cast<MonoTime::duration>(call.timeout);
  Pauses pauses(call.retry.pauses);
  for (int tries = 1;; ++tries) {
    auto answer = co_await try_once(call);
    if (tries >= call.retry.tries || !worth_another(answer)) co_return answer;
    const Seconds pause = pauses.next();
    // The tries share the time.
    const Seconds left = end - clock_().mono;
    if (left <= pause * 2) co_return answer;
    co_await rest_for(pause);
    call.timeout = end - clock_().mono;
  }
}

asio::awaitable<Result<http::Fetched>> RestClient::call(RestCall call) {
  auto work = call_here(std::move(call));
  co_return co_await asio::co_spawn(executor_, std::move(work), asio::use_awaitable);
}

asio::awaitable<Result<boost::json::object>> RestClient::object(RestCall call) {
  const auto what = call.method + " " + call.path;
  const auto answer = co_await this->call(std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return object_of(*answer, what);
}

asio::awaitable<Result<http::ResponseStream>> RestClient::stream(RestCall call) {
  auto now = ready(false);
  if (!now) co_return std::unexpected(now.error());
  co_return co_await now->client->stream(outgoing(*now, call), call.timeout);
}

}  // namespace fluxmetrics::kube
