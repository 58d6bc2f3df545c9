#include "http/session.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>

#include "base/log.hpp"
#include "http/answering.hpp"
#include "http/request_body.hpp"

namespace fluxmetrics::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using ErrorCode = Stream::ErrorCode;

namespace {

constexpr std::size_t request_read_size = 4096;
constexpr unsigned char tls_handshake_record = 0x16;
constexpr std::size_t linger_bytes = 1U << 20U;
constexpr Seconds linger_time{1};
constexpr std::size_t largest_scratch = 256U << 10U;  // kept between responses

asio::ip::address unmapped(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address;
}

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
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

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// `chunked`: so a body that comes in pieces is framed; else its end is that of the connection.
void append_head(std::string& out, const Response& response, std::string_view date,
                 std::string_view connection, bool chunked) {
  const auto reason = beast::http::obsolete_reason(static_cast<beast::http::status>(response.status));
  const bool has_body = response.status >= 200 && response.status != 204 && response.status != 304;
  out.append("HTTP/1.1 ").append(fmt::format_int(response.status).c_str()).append(" ");
  out.append(reason.data(), reason.size()).append("\r\n");
  if (has_body) {
    if (!response.content_type.empty()) append_line(out, "Content-Type", response.content_type);
    if (!response.source) {
      const std::size_t size = response.body ? response.body->size() : 0;
      append_line(out, "Content-Length", fmt::format_int(size).c_str());
    } else if (chunked) {
      append_line(out, "Transfer-Encoding", "chunked");
    }
  }
  append_line(out, "Date", date);
  for (const auto& [name, value] : response.headers) {
    if (!has_control_characters(name) && !has_control_characters(value)) append_line(out, name, value);
  }
  if (!connection.empty()) append_line(out, "Connection", connection);
  out += "\r\n";
}

}  // namespace

// Bytes that have come and are not parsed yet; what is left of one request is the beginning of the next.
class Session::Buffer {
 public:
  // `total`: what all buffers take together.
  explicit Buffer(std::size_t& total) : total_(total) {}
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { total_ -= bytes_.size(); }
  [[nodiscard]] bool large() const { return bytes_.size() > 2 * request_read_size; }
  [[nodiscard]] asio::const_buffer data() const { return asio::buffer(bytes_.data() + begin_, size()); }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] asio::mutable_buffer space() {
    if (begin_ > 0) {
      std::copy(bytes_.data() + begin_, bytes_.data() + end_, bytes_.data());
      end_ -= begin_;
      begin_ = 0;
    }
    if (bytes_.size() < end_ + request_read_size) {
      total_ -= bytes_.size();
      bytes_.resize(std::max(end_ + request_read_size, bytes_.size() * 2));
      total_ += bytes_.size();
    }
    return asio::buffer(bytes_.data() + end_, bytes_.size() - end_);
  }
  void filled(std::size_t count) { end_ += count; }
  void consume(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }

 private:
  std::size_t& total_;
  std::vector<char> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// Fills a Request.
class Session::RequestParser : public beast::http::basic_parser<true> {
 public:
  enum class State { needs_more, wants_go_ahead, done, refused };

  Request request;
  int version = 11;
  int refusal = 0;  // the status to refuse it with

  // `kept`: of the connection, see RequestBody.
  RequestParser(SessionContext& context, const Peer& peer, std::size_t& kept) : body_(context, kept) {
    header_limit(static_cast<std::uint32_t>(context.options.max_header_bytes));
    body_limit(context.options.max_body_bytes);
    eager(false);
    request.peer = peer;
  }

  void drop_body() {
    std::string().swap(request.body);
    body_.release();
  }

  // Takes what it can from the buffer.
  State advance(Buffer& buffer) {
    while (!is_done()) {
      beast::error_code error;
      const bool head_was_done = is_header_done();
      buffer.consume(put(buffer.data(), error));
      if (error && error != beast::http::error::need_more)
        return refuse_with(no_room_ ? 503 : status_of(error));
      if (is_header_done() && !head_was_done) {
        if (ambiguous_ || hosts_ > 1 || (version >= 11 && hosts_ == 0)) return refuse_with(400);
        if (version < 11 && chunked_) return refuse_with(400);
        eager(true);
        if (expects_continue_ && buffer.size() == 0 && !is_done()) return State::wants_go_ahead;
        continue;
      }
      if (!is_done()) return State::needs_more;
    }
    return State::done;
  }

 private:
  RequestBody body_;
  bool no_room_ = false;  // for its body
  int hosts_ = 0;
  bool has_length_ = false;
  bool chunked_ = false;
  bool ambiguous_ = false;  // where the body ends, other servers may see otherwise
  bool expects_continue_ = false;

  State refuse_with(int status) {
    refusal = status;
    return State::refused;
  }

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
    look_at(field, value);
    request.headers.emplace_back(name, value);
  }
  void look_at(beast::http::field field, View value) {
    switch (field) {
      case beast::http::field::host:
        ++hosts_;
        break;
      case beast::http::field::expect:
        expects_continue_ = beast::iequals(value, "100-continue");
        break;
      case beast::http::field::content_length:
        ambiguous_ = ambiguous_ || has_length_;
        has_length_ = true;
        break;
      case beast::http::field::transfer_encoding:
        ambiguous_ = ambiguous_ || chunked_ || !beast::iequals(value, "chunked");
        chunked_ = true;
        break;
      default:
        break;
    }
  }
  void on_header_impl(Error& error) override { error = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& /*size*/, Error& error) override {
    error = {};
  }
  std::size_t on_body_impl(View body, Error& error) override {
    error = {};
    take(body, error);
    return body.size();
  }
  void take(View body, Error& error) {
    no_room_ = !body_.take(request, {body.data(), body.size()});
    if (no_room_) error = beast::http::error::body_limit;
  }
  void on_chunk_header_impl(std::uint64_t /*size*/, View /*extensions*/, Error& error) override {
    error = {};
  }
  std::size_t on_chunk_body_impl(std::uint64_t /*remain*/, View body, Error& error) override {
    error = {};
    take(body, error);
    return body.size();
  }
  void on_finish_impl(Error& error) override { error = {}; }
  void on_response_impl(int /*code*/, View /*reason*/, int /*version*/, Error& error) override { error = {}; }
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

asio::awaitable<void> Session::run() {
  if (!co_await begin()) co_return;
  const bool http2 = start_http2();
  if (http2) {
    co_await http2_->run();
  } else {
    co_await serve_http1();
  }
  allow(linger_time);
  co_await stream_.finish();
}

// What the client chose in the TLS handshake.
bool Session::start_http2() {
  if (stream_.tls() == nullptr || stream_.tls()->protocol() != "h2") return false;
  http2_ = std::make_unique<Http2Connection>(context_, time_, stream_, peer_);
  return true;
}

void Session::begin_stop(MonoTime by) {
  time_.deadline = std::min(time_.deadline, by);
  if (source_) source_->end();
  if (http2_) {
    http2_->go_away();
  } else if (time_.idle) {
    abort();
  }
}

asio::awaitable<void> Session::serve_http1() {
  Buffer buffer(context_.unread);
  std::size_t kept = 0;
  bool going_on = true;
  while (going_on) {
    RequestParser parser(context_, peer_, kept);
    going_on = co_await read_request(buffer, parser) && co_await respond(parser);
  }
}

// The first byte tells TLS from HTTP.
asio::awaitable<bool> Session::begin() {
  ErrorCode error;
  unsigned char first = 0;
  stream_.socket().non_blocking(true, error);
  do {
    time_.idle = true;
    co_await stream_.wait_readable(error);
    time_.idle = false;
    if (error) co_return false;
    stream_.socket().receive(asio::buffer(&first, 1), Stream::Socket::message_peek, error);
    // A new socket may be called readable before anything has come: an event of the one that had its number
    // before.
  } while (error == asio::error::would_block);
  if (error) co_return false;
  if (first != tls_handshake_record) co_return true;
  peer_.tls = true;
  time_.reading = true;
  TlsContext tls = context_.tls.current(std::chrono::steady_clock::now());
  co_await stream_.accept_tls(std::move(tls), error);
  time_.reading = false;
  if (error) {
    const auto& reason = stream_.tls()->failure();
    log::debug("{}: TLS handshake failed: {}", peer_.address, reason.empty() ? error.message() : reason);
    co_return false;
  }
  auto chain = stream_.tls()->peer_certificates();
  if (!chain.empty()) peer_.certificates = std::make_shared<const std::vector<std::string>>(std::move(chain));
  co_return true;
}

// False when the connection ends here, with a refusal where one makes sense.
asio::awaitable<bool> Session::read_request(Buffer& buffer, RequestParser& parser) {
  if (buffer.size() == 0) {
    time_.idle = true;
    if (served_any_) allow(context_.options.idle_timeout);
    served_any_ = true;
    const bool filled = !context_.stopping && co_await fill(buffer);
    time_.idle = false;
    if (!filled) co_return false;
  }
  allow(context_.options.header_timeout);
  time_.reading = true;
  for (;;) {
    switch (parser.advance(buffer)) {
      case RequestParser::State::done:
        time_.reading = false;
        co_return true;
      case RequestParser::State::refused:
        co_await refuse(parser.refusal);
        co_return false;
      case RequestParser::State::wants_go_ahead: {
        ErrorCode failed;
        co_await stream_.write("HTTP/1.1 100 Continue\r\n\r\n", failed);
        if (failed) co_return false;
        break;
      }
      case RequestParser::State::needs_more:
        // The parser bounds heads and bodies, but neither a chunk's extensions nor the trailers.
        if (buffer.size() > context_.options.max_header_bytes) {
          co_await refuse(431);
          co_return false;
        }
        if (context_.unread > context_.options.max_unread_bytes && buffer.large()) {
          co_await refuse(503);
          co_return false;
        }
        if (!co_await fill(buffer)) co_return false;
        break;
    }
  }
}

asio::awaitable<bool> Session::fill(Buffer& buffer) {
  ErrorCode error;
  const std::size_t count = co_await stream_.read_some(buffer.space(), error);
  buffer.filled(count);
  co_return !error;
}

// True when the connection goes on.
asio::awaitable<bool> Session::respond(RequestParser& parser) {
  parser.request.server_ending = context_.ending;
  const bool with_body = parser.request.method != "HEAD";
  auto response = answer_now(context_.handler, parser.request);
  if (!response) {
    allow(context_.options.answer_timeout);
    response = co_await answer_later(context_.handler, parser.request);
  }
  parser.drop_body();
  const bool keep_alive = parser.keep_alive() && !response->close && !context_.stopping;
  std::string_view connection = "close";
  if (keep_alive) connection = parser.version < 11 ? "keep-alive" : "";
  if (response->source) {
    const bool chunked = parser.version >= 11;
    co_await send_in_pieces(*response, with_body, chunked);
    co_return false;
  }
  co_return co_await write(*response, with_body, connection) && keep_alive;
}

// Who waits for the client to leave, beside the one who sends it pieces.
struct Session::Leaving {
  asio::steady_timer ended;  // the wait
  bool wanted = true;
  bool over = false;
};

// A client that has left is noticed by reading, not by the next piece. What it still sends is no request:
// this connection ends with the body.
asio::awaitable<void> Session::await_leave(std::shared_ptr<BodySource> source, Leaving* leaving) {
  std::vector<char> dropped(request_read_size);
  ErrorCode error;
  while (leaving->wanted && !error)
    co_await stream_.read_some(asio::buffer(dropped), error);
  source->end();
  leaving->over = true;
  leaving->ended.cancel();
}

asio::awaitable<void> Session::send_in_pieces(const Response& response, bool with_body, bool chunked) {
  source_ = response.source;
  if (context_.stopping) source_->end();
  const bool begun = co_await write(response, false, "close", chunked);
  if (begun && with_body) co_await write_pieces(source_, chunked);
  source_->end();
  source_.reset();
}

asio::awaitable<void> Session::write_pieces(std::shared_ptr<BodySource> source, bool chunked) {
  const auto executor = stream_.socket().get_executor();
  Leaving leaving{.ended = asio::steady_timer(executor, MonoTime::max())};
  asio::co_spawn(executor, await_leave(source, &leaving), asio::detached);
  bool taken = true;
  NextPiece piece;
  while (taken) {
    allow(context_.options.answer_timeout);
    piece = co_await next_piece(source);
    if (!piece.text) break;
    auto writing = write_piece(std::move(*piece.text), chunked);
    taken = co_await std::move(writing);
  }
  if (taken && chunked && !piece.failed) {
    auto writing = write_piece({}, chunked);  // the last one
    taken = co_await std::move(writing);
  }
  if (!taken && overdue(MonoTime::clock::now())) log_slow(peer_, context_.options.piece_timeout);
  leaving.wanted = false;
  ErrorCode ignored;
  stream_.socket().cancel(ignored);
  while (!leaving.over)
    co_await leaving.ended.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

// False when the client does not take it in time, or has left.
asio::awaitable<bool> Session::write_piece(std::string piece, bool chunked) {
  allow(context_.options.piece_timeout);
  if (chunked) {
    piece.insert(0, fmt::format("{:x}\r\n", piece.size()));
    piece += "\r\n";
  }
  ErrorCode error;
  co_await stream_.write(piece, error);
  co_return !error;
}

asio::awaitable<bool> Session::write(const Response& response, bool with_body, std::string_view connection,
                                     bool chunked) {
  allow(context_.options.header_timeout);
  std::string& out = context_.scratch;
  out.clear();
  append_head(out, response, context_.date.at(std::time(nullptr)), connection, chunked);
  if (response.body && with_body && response.status != 204 && response.status != 304) out += *response.body;
  ErrorCode error;
  const std::size_t done = stream_.write_now(out, error);
  if (!error && (done < out.size() || stream_.flush_due())) {
    const std::string rest = out.substr(done);
    co_await stream_.write_rest(rest, error);
  }
  if (out.capacity() > largest_scratch) std::string().swap(out);
  co_return !error;
}

// Ends a connection whose request cannot be read. What still comes is read for a moment: closing with unread
// bytes would reset the connection and lose the answer.
asio::awaitable<void> Session::refuse(int status) {
  log::debug("{}: request refused with {}", peer_.address, status);
  const Response response = plain_answer(status);
  if (!co_await write(response, true, "close")) co_return;
  allow(linger_time);
  ErrorCode error;
  if (!peer_.tls) stream_.socket().shutdown(Stream::Socket::shutdown_send, error);
  std::vector<char> dropped(request_read_size);
  for (std::size_t total = 0; total < linger_bytes && !error;) {
    total += co_await stream_.read_some(asio::buffer(dropped), error);
  }
}

}  // namespace fluxmetrics::http
