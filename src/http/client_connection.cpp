#include "http/client_connection.hpp"

#include <array>
#include <cerrno>
#include <sys/socket.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace fluxmetrics::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using ErrorCode = Stream::ErrorCode;

namespace {

constexpr std::size_t response_read_size = 16384;

std::string request_text(const Destination& to, const OutgoingRequest& request, bool keep_alive) {
  std::string text =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.target, to.authority);
  const auto out = std::back_inserter(text);
  if (!keep_alive) text += "Connection: close\r\n";
  for (const auto& [name, value] : request.headers)
    fmt::format_to(out, "{}: {}\r\n", name, value);
  if (!request.body.empty()) fmt::format_to(out, "Content-Length: {}\r\n", request.body.size());
  text += "\r\n";
  return text + request.body;
}

}  // namespace

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

class ClientConnection::ResponseParser : public beast::http::basic_parser<false> {
 public:
  Fetched fetched;  // its body: what has come and was not taken yet

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

void ClientConnection::ParserDeleter::operator()(ResponseParser* parser) const {
  delete parser;
}

ClientConnection::ClientConnection(asio::any_io_executor executor, Destination to, std::string server_name)
    : executor_(std::move(executor)),
      to_(std::move(to)),
      server_name_(server_name.empty() ? to_.host : std::move(server_name)),
      resolver_(executor_) {}

std::unexpected<Error> ClientConnection::connection_error(const char* what, const ErrorCode& error) const {
  return fail_errno(Code::unavailable, error.value(), "{}: {}: {}", to_.url, what, error.message());
}

asio::awaitable<Result<void>> ClientConnection::connect(TlsContext tls) {
  ErrorCode error;
  const auto found =
      co_await resolver_.async_resolve(to_.host, to_.port, asio::redirect_error(asio::use_awaitable, error));
  if (error) {
    co_return fail(Code::unavailable, "{}: the name '{}' cannot be resolved: {}", to_.url, to_.host,
                   error.message());
  }
  if (aborted_) co_return connection_error("cannot connect", asio::error::operation_aborted);
  connecting_.emplace(executor_);
  co_await asio::async_connect(*connecting_, found, asio::redirect_error(asio::use_awaitable, error));
  if (error) {
    co_return fail_errno(Code::unavailable, error.value(), "cannot connect to {}: {}", to_.url,
                         error.message());
  }
  connecting_->set_option(tcp::no_delay(true), error);
  stream_.emplace(std::move(*connecting_));
  connecting_.reset();
  if (!to_.tls) co_return Result<void>();
  error = {};
  co_await stream_->connect_tls(std::move(tls), server_name_, error);
  if (!error) co_return Result<void>();
  if (const auto problem = stream_->tls()->certificate_problem(); !problem.empty()) {
    co_return fail(Code::denied, "{}: the server's certificate is not trusted: {}; name its CA", to_.url,
                   problem);
  }
  const auto& reason = stream_->tls()->failure();
  co_return fail(Code::unavailable, "{}: TLS handshake failed: {}", to_.url,
                 reason.empty() ? error.message() : reason);
}

asio::awaitable<Result<void>> ClientConnection::send(OutgoingRequest request, bool keep_alive) {
  keep_alive_ = keep_alive;
  reusable_ = false;
  answered_ = false;
  const std::string text = request_text(to_, request, keep_alive);
  ErrorCode error;
  co_await stream_->write(text, error);
  if (error) co_return connection_error("the request could not be sent", error);
  co_return Result<void>();
}

asio::awaitable<Result<void>> ClientConnection::read_some() {
  std::array<char, response_read_size> chunk{};
  ErrorCode error;
  const std::size_t count = co_await stream_->read_some(asio::buffer(chunk), error);
  bytes_.append(chunk.data(), count);
  answered_ = answered_ || count > 0;
  beast::error_code parse_error;
  if (count > 0) {
    bytes_.erase(0, parser_->put(asio::buffer(bytes_), parse_error));
    if (parse_error == beast::http::error::need_more) parse_error = {};
  }
  // The end of the connection ends a body without a length; in the middle of anything else it is an error.
  if (error && !parse_error && !parser_->is_done() && parser_->got_some()) parser_->put_eof(parse_error);
  if (parse_error) {
    co_return fail(Code::protocol, "{} did not answer in HTTP: {}", to_.url, parse_error.message());
  }
  if (error && !parser_->is_done()) {
    co_return fail_errno(Code::unavailable, error.value(), "{} closed the connection without an answer: {}",
                         to_.url, error.message());
  }
  reusable_ = parser_->is_done() && keep_alive_ && parser_->keep_alive() && !error && bytes_.empty();
  co_return Result<void>();
}

asio::awaitable<Result<Fetched>> ClientConnection::receive_head(std::size_t max_body) {
  parser_.reset(new ResponseParser);
  parser_->eager(true);
  parser_->body_limit(max_body);
  while (!parser_->is_header_done()) {
    auto read = co_await read_some();
    if (!read) co_return std::unexpected(read.error());
  }
  co_return Fetched{.status = parser_->fetched.status, .headers = parser_->fetched.headers, .body = {}};
}

asio::awaitable<Result<std::string>> ClientConnection::read_body() {
  while (parser_->fetched.body.empty() && !parser_->is_done()) {
    auto read = co_await read_some();
    if (!read) co_return std::unexpected(read.error());
  }
  co_return std::exchange(parser_->fetched.body, {});
}

asio::awaitable<Result<std::string>> ClientConnection::receive_rest() {
  while (!parser_->is_done()) {
    auto read = co_await read_some();
    if (!read) co_return std::unexpected(read.error());
  }
  co_return std::move(parser_->fetched.body);
}

bool ClientConnection::quiet() {
  if (!stream_) return false;
  char next = 0;
  return ::recv(stream_->socket().native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void ClientConnection::abort() {
  aborted_ = true;
  reusable_ = false;
  ErrorCode ignored;
  resolver_.cancel();
  if (connecting_) connecting_->close(ignored);
  if (stream_) stream_->abort();
}

}  // namespace fluxmetrics::http
