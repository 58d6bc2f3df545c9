#include "http/client.hpp"

#include <exception>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "http/client_connection.hpp"

namespace fluxmetrics::http {

namespace asio = boost::asio;

namespace {

asio::awaitable<Result<Fetched>> fetch_once(ClientConnection& connection, OutgoingRequest request,
                                            std::size_t max_body, TlsContext tls) {
  auto connected = co_await connection.connect(std::move(tls));
  if (!connected) co_return std::unexpected(connected.error());
  auto sent = co_await connection.send(std::move(request), false);
  if (!sent) co_return std::unexpected(sent.error());
  auto fetched = co_await connection.receive_head(max_body);
  if (!fetched) co_return fetched;
  auto body = co_await connection.receive_rest();
  if (!body) co_return std::unexpected(body.error());
  fetched->body = std::move(*body);
  co_return fetched;
}

}  // namespace

Result<Fetched> fetch(const std::string& url, const FetchOptions& options) {
  auto to = parse_url(url);
  if (!to) return std::unexpected(to.error());
  TlsContext tls;
  if (to->tls) {
    auto made = make_client_context(options.ca_file);
    if (!made) return std::unexpected(made.error());
    tls = std::move(*made);
  }
  std::optional<Result<Fetched>> result;
  asio::io_context io(1);
  OutgoingRequest request{.target = to->target, .headers = options.headers};
  ClientConnection connection(io.get_executor(), std::move(*to), {});
  asio::co_spawn(io, fetch_once(connection, std::move(request), options.max_body_bytes, std::move(tls)),
                 [&result](const std::exception_ptr& fault, Result<Fetched> fetched) {
                   if (fault) {
                     result = fail(Code::internal, "the exchange ended: internal error");
                   } else {
                     result = std::move(fetched);
                   }
                 });
  io.run_for(std::chrono::duration_cast<std::chrono::milliseconds>(options.timeout));
  if (!result) {
    return fail(Code::timed_out, "{} did not answer within {:g} s", url, options.timeout.count());
  }
  return std::move(*result);
}

}  // namespace fluxmetrics::http
