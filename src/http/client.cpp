#include "http/client.hpp"

#include <array>
#include <exception>
#include <optional>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "http/stream.hpp"
#include "http/tls_context.hpp"

// GCC 12 at -O1 takes a coroutine frame's operator new and delete, both Asio's, for a mismatched pair.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace fluxmetrics::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using ErrorCode = Stream::ErrorCode;

namespace {

constexpr std::size_t read_size = 16384;

// Where a URL points, and the request for it.
struct Destination {
  std::string url;  // for messages
  bool tls = false;
  std::string host;  // without the brackets of an IPv6 address
  std::string port;
  std::string authority;  // the Host header
  std::string target;
};

Result<Destination> parse_url(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || (parsed->scheme() != "http" && parsed->scheme() != "https") || parsed->host().empty()) {
    return fail(Code::invalid, "'{}' is not a URL of the form http://HOST[:PORT]/PATH or https://...", url);
  }
  const auto text = [](boost::core::string_view view) { return std::string(view.data(), view.size()); };
  Destination to{.url = url,
                 .tls = parsed->scheme() == "https",
                 .host = parsed->host_address(),
                 .port = text(parsed->port()),
                 .authority = text(parsed->encoded_host()),
                 .target = text(parsed->encoded_target())};
  if (!to.port.empty()) to.authority += ":" + to.port;
  if (to.port.empty()) to.port = to.tls ? "443" : "80";
  if (!to.target.starts_with('/')) to.target.insert(0, 1, '/');
  return to;
}

std::string request_text(const Destination& to, const Headers& headers) {
  std::string text =
      fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", to.target, to.authority);
  for (const auto& [name, value] : headers)
    fmt::format_to(std::back_inserter(text), "{}: {}\r\n", name, value);
  return text + "\r\n";
}

class ResponseParser : public beast::http::basic_parser<false> {
 public:
  Fetched fetched;

 private:
  using View = beast::string_view;
  using Error = beast::error_code;

  void on_response_impl(int code, View /*reason*/, int /*version*/, Error& error) override {
    error = {};
    fetched.status = code;
  }
  void on_field_impl(beast::http::field /*field*/, View name, View value, Error& error) override {
    error = {};
    fetched.headers.emplace_back(name, value);
  }
  void on_header_impl(Error& error) override { error = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& /*size*/, Error& error) override {
    error = {};
  }
  std::size_t on_body_impl(View body, Error& error) override {
    error = {};
    fetched.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t /*size*/, View /*extensions*/, Error& error) override {
    error = {};
  }
  std::size_t on_chunk_body_impl(std::uint64_t /*remain*/, View body, Error& error) override {
    return on_body_impl(body, error);
  }
  void on_finish_impl(Error& error) override { error = {}; }
  void on_request_impl(beast::http::verb /*verb*/, View /*method*/, View /*target*/, int /*version*/,
                       Error& error) override {
    error = {};
  }
};

asio::awaitable<Result<void>> read_response(Stream& stream, const Destination& to, ResponseParser& parser) {
  parser.eager(true);
  std::vector<char> bytes;
  std::array<char, read_size> chunk{};
  while (!parser.is_done()) {
    ErrorCode error;
    const std::size_t count = co_await stream.read_some(asio::buffer(chunk), error);
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(count));
    beast::error_code parse_error;
    if (count > 0) {
      const std::size_t used = parser.put(asio::buffer(bytes), parse_error);
      bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(used));
      if (parse_error == beast::http::error::need_more) parse_error = {};
    }
    // The end of the connection ends a body without a length; in the middle of anything else it is an error.
    if (error && !parse_error && !parser.is_done() && parser.got_some()) parser.put_eof(parse_error);
    if (parse_error) {
      co_return fail(Code::protocol, "{} did not answer in HTTP: {}", to.url, parse_error.message());
    }
    if (error && !parser.is_done()) {
      co_return fail_errno(Code::unavailable, error.value(), "{} closed the connection without an answer: {}",
                           to.url, error.message());
    }
  }
  co_return Result<void>();
}

asio::awaitable<Result<tcp::socket>> connect(const Destination& to) {
  ErrorCode error;
  tcp::resolver resolver(co_await asio::this_coro::executor);
  const auto found =
      co_await resolver.async_resolve(to.host, to.port, asio::redirect_error(asio::use_awaitable, error));
  if (error) {
    co_return fail(Code::unavailable, "{}: the name '{}' cannot be resolved: {}", to.url, to.host,
                   error.message());
  }
  tcp::socket socket(co_await asio::this_coro::executor);
  co_await asio::async_connect(socket, found, asio::redirect_error(asio::use_awaitable, error));
  if (error) {
    co_return fail_errno(Code::unavailable, error.value(), "cannot connect to {}: {}", to.url,
                         error.message());
  }
  co_return socket;
}

asio::awaitable<Result<Fetched>> exchange(const Destination& to, const FetchOptions& options,
                                          TlsContext tls) {
  auto socket = co_await connect(to);
  if (!socket) co_return std::unexpected(socket.error());
  Stream stream(std::move(*socket));
  ErrorCode error;
  if (to.tls) {
    co_await stream.connect_tls(std::move(tls), to.host, error);
    if (const auto problem = stream.tls()->certificate_problem(); error && !problem.empty()) {
      co_return fail(Code::denied, "{}: the server's certificate is not trusted: {}; name its CA", to.url,
                     problem);
    }
    if (error) {
      const auto& reason = stream.tls()->failure();
      co_return fail(Code::unavailable, "{}: TLS handshake failed: {}", to.url,
                     reason.empty() ? error.message() : reason);
    }
  }
  const std::string text = request_text(to, options.headers);
  co_await stream.write(text, error);
  if (error) {
    co_return fail_errno(Code::unavailable, error.value(), "{}: the request could not be sent: {}", to.url,
                         error.message());
  }
  ResponseParser parser;
  parser.body_limit(options.max_body_bytes);
  auto read = co_await read_response(stream, to, parser);
  if (!read) co_return std::unexpected(read.error());
  co_return std::move(parser.fetched);
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
  asio::co_spawn(io, exchange(*to, options, std::move(tls)),
                 [&result](const std::exception_ptr& fault, Result<Fetched> fetched) {
                   if (fault) {
                     result = fail(Code::internal, "the exchange ended by a fault inside this program");
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
