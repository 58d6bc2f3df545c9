#include "http/session.hpp"

#include <algorithm>
#include <exception>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>

#include "base/log.hpp"

namespace fluxmetrics::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using ErrorCode = Stream::ErrorCode;

namespace {

constexpr std::size_t read_size = 8192;
constexpr unsigned char tls_handshake_record = 0x16;
constexpr std::size_t linger_bytes = 1U << 20U;
constexpr Seconds linger_time{1};

asio::ip::address unmapped(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address;
}

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

std::string_view refusal_text(int status) {
  switch (status) {
    case 413:
      return "the request's body is larger than this server reads\n";
    case 431:
      return "the request's head is larger than this server reads\n";
    case 505:
      return "this server speaks HTTP/1.1 and HTTP/1.0\n";
    default:
      return "this is not an HTTP/1.1 request that this server understands\n";
  }
}

int status_of(const beast::error_code& error) {
  if (error == beast::http::error::body_limit) return 413;
  if (error == beast::http::error::header_limit) return 431;
  if (error == beast::http::error::bad_version) return 505;
  return 400;
}

// "GET http://host/path" -> "/path"; other forms stay as they are.
std::string_view origin_form(std::string_view target) {
  const auto scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return target;
  const auto path = target.find_first_of("/?", scheme + 3);
  return path == std::string_view::npos || target[path] == '?' ? "/" : target.substr(path);
}

std::string response_head(const Response& response, std::string_view date, std::string_view connection) {
  const auto reason = beast::http::obsolete_reason(static_cast<beast::http::status>(response.status));
  const std::size_t size = response.body ? response.body->size() : 0;
  const bool has_body = response.status >= 200 && response.status != 204 && response.status != 304;
  std::string head =
      fmt::format("HTTP/1.1 {} {}\r\n", response.status, std::string_view(reason.data(), reason.size()));
  auto out = std::back_inserter(head);
  if (has_body && !response.content_type.empty()) {
    fmt::format_to(out, "Content-Type: {}\r\n", response.content_type);
  }
  if (has_body) fmt::format_to(out, "Content-Length: {}\r\n", size);
  fmt::format_to(out, "Date: {}\r\n", date);
  for (const auto& [name, value] : response.headers) {
    if (!has_control_characters(name) && !has_control_characters(value)) {
      fmt::format_to(out, "{}: {}\r\n", name, value);
    }
  }
  if (!connection.empty()) fmt::format_to(out, "Connection: {}\r\n", connection);
  head += "\r\n";
  return head;
}

}  // namespace

std::string_view DateText::at(std::time_t now) {
  if (now != second_) {
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    size_ = std::strftime(text_.data(), text_.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    second_ = now;
  }
  return {text_.data(), size_};
}

// Fills a Request; bodies are read and dropped.
class Session::RequestParser : public beast::http::basic_parser<true> {
 public:
  Request request;
  int version = 11;
  bool has_host = false;
  bool expects_continue = false;

 private:
  using View = beast::string_view;
  using Error = beast::error_code;

  void on_request_impl(beast::http::verb /*verb*/, View method, View target, int version_,
                       Error& error) override {
    error = {};
    version = version_;
    request.method.assign(method.data(), method.size());
    request.target = origin_form({target.data(), target.size()});
  }
  void on_field_impl(beast::http::field field, View name, View value, Error& error) override {
    error = {};
    has_host = has_host || field == beast::http::field::host;
    if (field == beast::http::field::expect) expects_continue = beast::iequals(value, "100-continue");
    request.headers.emplace_back(name, value);
  }
  void on_header_impl(Error& error) override { error = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& /*size*/, Error& error) override {
    error = {};
  }
  std::size_t on_body_impl(View body, Error& error) override {
    error = {};
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t /*size*/, View /*extensions*/, Error& error) override {
    error = {};
  }
  std::size_t on_chunk_body_impl(std::uint64_t /*remain*/, View body, Error& error) override {
    error = {};
    return body.size();
  }
  void on_finish_impl(Error& error) override { error = {}; }
  void on_response_impl(int /*code*/, View /*reason*/, int /*version*/, Error& error) override { error = {}; }
};

// Bytes that have come and are not parsed yet; what is left of one request is the beginning of the next.
class Session::Buffer {
 public:
  [[nodiscard]] asio::const_buffer data() const { return asio::buffer(bytes_.data() + begin_, size()); }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] asio::mutable_buffer space() {
    if (begin_ > 0) {
      std::copy(bytes_.data() + begin_, bytes_.data() + end_, bytes_.data());
      end_ -= begin_;
      begin_ = 0;
    }
    if (bytes_.size() < end_ + read_size) bytes_.resize(std::max(end_ + read_size, bytes_.size() * 2));
    return asio::buffer(bytes_.data() + end_, bytes_.size() - end_);
  }
  void filled(std::size_t count) { end_ += count; }
  void consume(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }

 private:
  std::vector<char> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

Session::Session(SessionContext& context, Stream::Socket socket)
    : context_(context), stream_(std::move(socket)) {
  allow(context_.options.header_timeout);
  ErrorCode remote_error;
  ErrorCode local_error;
  const auto remote = unmapped(stream_.socket().remote_endpoint(remote_error).address());
  const auto local = unmapped(stream_.socket().local_endpoint(local_error).address());
  peer_.address = remote_error ? "unknown" : remote.to_string();
  peer_.same_host = !remote_error && !local_error && (remote.is_loopback() || remote == local);
}

void Session::allow(Seconds time) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration_cast<MonoTime::duration>(time);
  deadline_ = std::min(end, context_.stop_by);
}

asio::awaitable<void> Session::run() {
  if (!co_await begin()) co_return;
  Buffer buffer;
  while (co_await exchange(buffer)) {
  }
  allow(linger_time);
  co_await stream_.finish();
}

// The first byte tells TLS from HTTP.
asio::awaitable<bool> Session::begin() {
  ErrorCode error;
  idle_ = true;
  co_await stream_.wait_readable(error);
  idle_ = false;
  if (error) co_return false;
  unsigned char first = 0;
  stream_.socket().non_blocking(true, error);
  stream_.socket().receive(asio::buffer(&first, 1), Stream::Socket::message_peek, error);
  if (error) co_return false;
  if (first != tls_handshake_record) co_return true;
  peer_.tls = true;
  TlsContext tls = context_.tls.current(std::chrono::steady_clock::now());
  co_await stream_.accept_tls(std::move(tls), error);
  if (error) log::debug("{}: TLS handshake failed: {}", peer_.address, error.message());
  co_return !error;
}

// One request and its response; true when the connection goes on.
asio::awaitable<bool> Session::exchange(Buffer& buffer) {
  RequestParser parser;
  int refusal = 0;
  if (!co_await read_request(buffer, parser, refusal)) {
    if (refusal != 0) co_await refuse(refusal);
    co_return false;
  }
  parser.request.peer = peer_;
  const Response response = answer(parser.request);
  const bool keep_alive = parser.keep_alive() && !response.close && !context_.stopping;
  std::string_view connection = "close";
  if (keep_alive) connection = parser.version < 11 ? "keep-alive" : "";
  const bool with_body = parser.request.method != "HEAD";
  co_return co_await write(response, with_body, connection) && keep_alive;
}

// False when the connection ends here; `refusal` is then the status to end it with, 0 for none.
asio::awaitable<bool> Session::read_request(Buffer& buffer, RequestParser& parser, int& refusal) {
  parser.header_limit(static_cast<std::uint32_t>(context_.options.max_header_bytes));
  parser.body_limit(context_.options.max_body_bytes);
  if (buffer.size() == 0) {
    idle_ = true;
    if (served_any_) allow(context_.options.idle_timeout);
    served_any_ = true;
    const bool filled = !context_.stopping && co_await fill(buffer);
    idle_ = false;
    if (!filled) co_return false;
  }
  allow(context_.options.header_timeout);
  while (!parser.is_done()) {
    beast::error_code error;
    const bool head_was_done = parser.is_header_done();
    buffer.consume(parser.put(buffer.data(), error));
    if (error && error != beast::http::error::need_more) {
      refusal = status_of(error);
      co_return false;
    }
    if (parser.is_header_done() && !head_was_done) {
      if (parser.version >= 11 && !parser.has_host) {
        refusal = 400;
        co_return false;
      }
      if (parser.expects_continue && buffer.size() == 0 && !parser.is_done()) {
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        ErrorCode failed;
        const std::array<asio::const_buffer, 2> bytes{asio::buffer(go_on), asio::const_buffer()};
        co_await stream_.write(bytes, failed);
        if (failed) co_return false;
      }
      parser.eager(true);
      continue;
    }
    if (!parser.is_done() && !co_await fill(buffer)) co_return false;
  }
  co_return true;
}

asio::awaitable<bool> Session::fill(Buffer& buffer) {
  ErrorCode error;
  const std::size_t count = co_await stream_.read_some(buffer.space(), error);
  buffer.filled(count);
  co_return !error;
}

Response Session::answer(const Request& request) const {
  try {
    return context_.handler(request);
  } catch (const std::exception& fault) {
    log::error("{} {} of {} failed inside this program: {}", request.method, request.target, peer_.address,
               fault.what());
  }
  Response response;
  response.status = 500;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::make_shared<std::string>("this server failed to answer; its log says why\n");
  response.close = true;
  return response;
}

asio::awaitable<bool> Session::write(const Response& response, bool with_body, std::string_view connection) {
  allow(context_.options.header_timeout);
  const std::string head = response_head(response, context_.date.at(std::time(nullptr)), connection);
  const bool body = response.body && with_body && response.status != 204 && response.status != 304;
  const std::array<asio::const_buffer, 2> bytes{asio::buffer(head),
                                                body ? asio::buffer(*response.body) : asio::const_buffer()};
  ErrorCode error;
  co_await stream_.write(bytes, error);
  co_return !error;
}

// Ends a connection whose request cannot be read. What still comes is read for a moment: closing with unread
// bytes would reset the connection and lose the answer.
asio::awaitable<void> Session::refuse(int status) {
  log::debug("{}: request refused with {}", peer_.address, status);
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::make_shared<std::string>(refusal_text(status));
  if (!co_await write(response, true, "close")) co_return;
  allow(linger_time);
  ErrorCode error;
  if (!peer_.tls) stream_.socket().shutdown(Stream::Socket::shutdown_send, error);
  std::vector<char> dropped(read_size);
  for (std::size_t total = 0; total < linger_bytes && !error;) {
    total += co_await stream_.read_some(asio::buffer(dropped), error);
  }
}

}  // namespace fluxmetrics::http
