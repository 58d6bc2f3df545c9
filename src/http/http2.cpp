#include "http/http2.hpp"

#include <algorithm>
#include <array>
#include <nghttp2/nghttp2.h>
#include <span>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "http/answering.hpp"
#include "http/request_body.hpp"

namespace fluxmetrics::http {

namespace asio = boost::asio;

namespace {

constexpr std::size_t frames_read_size = 8192;
constexpr std::size_t most_collected = 64U << 10U;  // written at once
constexpr auto last_look = std::chrono::milliseconds(5);
// How long a client may still open streams after it was told not to: those it sent before it knew.
constexpr auto goaway_delay = std::chrono::milliseconds(200);

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

nghttp2_nv header(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view view) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(view.data()));
  };
  return {.name = bytes(name),
          .value = bytes(value),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

// Shared by the exchange and the coroutine that fetches them.
struct Http2Connection::Pieces {
  std::shared_ptr<BodySource> source;
  asio::steady_timer moved;  // waited for by who fetches: its piece is on its way, or nobody wants it
  std::string piece = {};
  std::size_t sent = 0;   // of the piece
  bool last = false;      // it is empty, and there is none after it
  bool end_sent = false;  // the frame that tells the client so
  bool gone = false;      // the stream is closed

  [[nodiscard]] bool taken() const { return sent == piece.size() && end_sent == last; }
  void end() {
    gone = true;
    source->end();
    moved.cancel();
  }
};

struct Http2Connection::Exchange {
  Request request;
  std::unique_ptr<RequestBody> kept = nullptr;  // of the request, until the handler has answered
  MonoTime began = std::chrono::steady_clock::now();
  std::size_t head_bytes = 0;
  std::size_t body_bytes = 0;
  bool complete = false;
  bool wants_body = true;  // of the response
  Response response;
  std::size_t sent = 0;                      // of the response's body
  std::shared_ptr<Pieces> pieces = nullptr;  // of the response, where it has a source

  void drop_body() {
    std::string().swap(request.body);
    kept.reset();
  }
};

// What nghttp2 calls; `self` is the connection.
struct Http2Connection::Callbacks {
  static Http2Connection& of(void* self) { return *static_cast<Http2Connection*>(self); }

  static Exchange* find(void* self, std::int32_t id) {
    const auto found = of(self).exchanges_.find(id);
    return found == of(self).exchanges_.end() ? nullptr : found->second.get();
  }

  static int begin_headers(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    auto& connection = of(self);
    auto& exchange = connection.exchanges_[frame->hd.stream_id];
    exchange = std::make_unique<Exchange>();
    exchange->request.peer = connection.peer_;
    exchange->request.server_ending = connection.context_.ending;
    ++connection.incomplete_;
    return 0;
  }

  static int on_header(nghttp2_session* /*session*/, const nghttp2_frame* frame,
                       const std::uint8_t* name_bytes, std::size_t name_size, const std::uint8_t* value_bytes,
                       std::size_t value_size, std::uint8_t /*flags*/, void* self) {
    auto& connection = of(self);
    auto* exchange = find(self, frame->hd.stream_id);
    if (exchange == nullptr || exchange->complete) return 0;
    exchange->head_bytes += name_size + value_size + 32;  // as RFC 9113, 6.5.2 counts
    if (exchange->head_bytes > connection.context_.options.max_header_bytes) {
      connection.refuse(frame->hd.stream_id, 431);
      return 0;
    }
    const auto name = text(name_bytes, name_size);
    const auto value = text(value_bytes, value_size);
    auto& request = exchange->request;
    if (name == ":method") {
      request.method = value;
      exchange->wants_body = value != "HEAD";
    } else if (name == ":path") {
      request.target = value;
    } else if (name == ":authority") {
      request.headers.emplace_back("Host", value);
    } else if (!name.starts_with(':')) {
      request.headers.emplace_back(name, value);
    }
    return 0;
  }

  static int on_data(nghttp2_session* /*session*/, std::uint8_t /*flags*/, std::int32_t id,
                     const std::uint8_t* bytes, std::size_t size, void* self) {
    auto& connection = of(self);
    auto* exchange = find(self, id);
    if (exchange == nullptr || exchange->complete) return 0;
    exchange->body_bytes += size;
    auto& kept = exchange->kept;
    if (!kept) kept = std::make_unique<RequestBody>(connection.context_, connection.kept_);
    if (exchange->body_bytes > connection.context_.options.max_body_bytes) {
      connection.refuse(id, 413);
    } else if (!kept->take(exchange->request, text(bytes, size))) {
      connection.refuse(id, 503);
    }
    return 0;
  }

  static int on_frame(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* self) {
    const bool carries = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (carries && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) of(self).complete(frame->hd.stream_id);
    return 0;
  }

  static int on_close(nghttp2_session* /*session*/, std::int32_t id, std::uint32_t /*error*/, void* self) {
    const auto* exchange = find(self, id);
    if (exchange == nullptr) return 0;
    if (!exchange->complete) --of(self).incomplete_;
    if (exchange->pieces) exchange->pieces->end();
    of(self).exchanges_.erase(id);
    return 0;
  }

  static ssize_t body(nghttp2_session* /*session*/, std::int32_t /*id*/, std::uint8_t* space,
                      std::size_t size, std::uint32_t* flags, nghttp2_data_source* source, void* /*self*/) {
    auto& exchange = *static_cast<Exchange*>(source->ptr);
    const std::string& whole = *exchange.response.body;
    const std::size_t count = std::min(size, whole.size() - exchange.sent);
    std::copy_n(whole.data() + exchange.sent, count, reinterpret_cast<char*>(space));
    exchange.sent += count;
    if (exchange.sent == whole.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  // Of a body that comes in pieces; nghttp2_session_resume_data() when there is another one.
  static ssize_t piece(nghttp2_session* /*session*/, std::int32_t /*id*/, std::uint8_t* space,
                       std::size_t size, std::uint32_t* flags, nghttp2_data_source* source, void* /*self*/) {
    auto& pieces = *static_cast<Exchange*>(source->ptr)->pieces;
    if (pieces.taken()) return NGHTTP2_ERR_DEFERRED;
    if (pieces.last) *flags |= NGHTTP2_DATA_FLAG_EOF;
    const std::size_t count = std::min(size, pieces.piece.size() - pieces.sent);
    std::copy_n(pieces.piece.data() + pieces.sent, count, reinterpret_cast<char*>(space));
    pieces.sent += count;
    pieces.end_sent = pieces.last;
    if (pieces.taken()) pieces.moved.cancel();
    return static_cast<ssize_t>(count);
  }
};

Http2Connection::Http2Connection(SessionContext& context, SessionTime& time, Stream& stream, Peer peer)
    : context_(context), time_(time), stream_(stream), peer_(std::move(peer)) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_session_server_new(&session_, callbacks, this);
  nghttp2_session_callbacks_del(callbacks);
  const std::array<nghttp2_settings_entry, 2> settings = {
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, most_streams},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
        static_cast<std::uint32_t>(context_.options.max_header_bytes)}}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
}

Http2Connection::~Http2Connection() {
  nghttp2_session_del(session_);
}

asio::awaitable<void> Http2Connection::run() {
  std::vector<std::uint8_t> buffer(frames_read_size);
  set_deadline();
  while (co_await flush() &&
         (nghttp2_session_want_read(session_) != 0 || nghttp2_session_want_write(session_) != 0)) {
    Stream::ErrorCode error;
    const std::size_t count = co_await stream_.read_some(asio::buffer(buffer), error);
    if (error) break;
    const auto taken = nghttp2_session_mem_recv(session_, buffer.data(), count);
    if (taken < 0) {
      log::debug("{}: HTTP/2: {}", peer_.address, nghttp2_strerror(static_cast<int>(taken)));
      break;
    }
    set_deadline();
  }
  co_await flush();  // the reason, when we ended it
  failed_ = true;
  end_pieces();
  time_.idle = false;
  // Answers and goodbyes under way refer to this connection.
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (waiting_ > 0 || writing_) {
    timer.expires_after(last_look);
    Stream::ErrorCode ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

// Between requests the connection may idle. Whatever else goes on, each request must come whole within the
// header timeout, and a client must take what is being written.
void Http2Connection::set_deadline() {
  const auto& options = context_.options;
  time_.idle = exchanges_.empty();
  time_.allow(time_.idle ? options.idle_timeout : options.answer_timeout, context_.stop_by);
  const auto end_within = [this](Seconds limit, MonoTime since) {
    const auto end = since + std::chrono::duration_cast<MonoTime::duration>(limit);
    time_.deadline = std::min(time_.deadline, end);
  };
  // The client may stay silent: nothing else would wake the reader.
  if (time_.idle && going_away_ && !blocked_since_) time_.deadline = MonoTime::min();
  if (blocked_since_) end_within(options.piece_timeout, *blocked_since_);
  if (incomplete_ == 0) return;
  for (const auto& [id, exchange] : exchanges_)
    if (!exchange->complete) end_within(options.header_timeout, exchange->began);
}

void Http2Connection::complete(std::int32_t id) {
  const auto found = exchanges_.find(id);
  if (found == exchanges_.end() || found->second->complete) return;
  auto& exchange = *found->second;
  exchange.complete = true;
  --incomplete_;
  if (auto response = answer_now(context_.handler, exchange.request)) {
    exchange.drop_body();
    respond(id, std::move(*response));
    return;
  }
  ++waiting_;
  auto work = answer_later(id, std::move(exchange.request), std::move(exchange.kept));
  asio::co_spawn(stream_.socket().get_executor(), std::move(work), asio::detached);
}

asio::awaitable<void> Http2Connection::answer_later(std::int32_t id, Request request,
                                                    std::unique_ptr<RequestBody> kept) {
  Response response = co_await http::answer_later(context_.handler, std::move(request));
  kept.reset();
  if (!failed_) {
    respond(id, std::move(response));
    co_await flush();
    set_deadline();
  }
  --waiting_;
}

// Answers before the request is whole, and wants no more of it.
void Http2Connection::refuse(std::int32_t id, int status) {
  const auto found = exchanges_.find(id);
  found->second->complete = true;
  found->second->drop_body();
  --incomplete_;
  respond(id, plain_answer(status));
}

void Http2Connection::respond(std::int32_t id, Response response) {
  const auto found = exchanges_.find(id);
  if (found == exchanges_.end()) return;  // the client has reset the stream
  auto& exchange = *found->second;
  exchange.response = std::move(response);
  const Response& answer = exchange.response;
  const bool may_have_body = answer.status >= 200 && answer.status != 204 && answer.status != 304;
  const fmt::format_int status(answer.status);
  const fmt::format_int length(answer.body ? answer.body->size() : 0);
  std::vector<nghttp2_nv> headers = {header(":status", {status.data(), status.size()})};
  headers.reserve(answer.headers.size() + 4);
  if (may_have_body) {
    if (!answer.content_type.empty()) headers.push_back(header("content-type", answer.content_type));
    if (!answer.source) headers.push_back(header("content-length", {length.data(), length.size()}));
  }
  headers.push_back(header("date", context_.date.at(std::time(nullptr))));
  std::vector<std::string> names;  // lower-case, as HTTP/2 has them
  names.reserve(answer.headers.size());
  for (const auto& [name, value] : answer.headers)
    headers.push_back(header(names.emplace_back(lowered(name)), value));
  const bool wants_body = may_have_body && exchange.wants_body;
  const bool has_body = wants_body && (answer.source || (answer.body && !answer.body->empty()));
  nghttp2_data_provider provider{.source = {.ptr = &exchange},
                                 .read_callback = answer.source ? Callbacks::piece : Callbacks::body};
  if (answer.source) {
    exchange.pieces = std::make_shared<Pieces>(
        Pieces{.source = answer.source, .moved = asio::steady_timer(stream_.socket().get_executor())});
    if (!has_body || context_.stopping) exchange.pieces->source->end();
  }
  nghttp2_submit_response(session_, id, headers.data(), headers.size(), has_body ? &provider : nullptr);
  if (!answer.source || !has_body) return;
  ++waiting_;
  asio::co_spawn(stream_.socket().get_executor(), send_pieces(id, exchange.pieces), asio::detached);
}

// Fetches the next piece when the one before is on its way.
asio::awaitable<void> Http2Connection::send_pieces(std::int32_t id, std::shared_ptr<Pieces> pieces) {
  std::uint32_t fault = NGHTTP2_NO_ERROR;
  while (!pieces->gone && !pieces->last && fault == NGHTTP2_NO_ERROR) {
    auto next = co_await next_piece(pieces->source);
    if (pieces->gone) break;
    if (next.failed) {
      fault = NGHTTP2_INTERNAL_ERROR;
      break;
    }
    pieces->last = !next.text;
    pieces->piece = std::move(next.text).value_or(std::string());
    pieces->sent = 0;
    nghttp2_session_resume_data(session_, id);
    const bool taken = co_await await_taken(pieces);
    if (taken || pieces->gone) continue;
    log_slow(peer_, context_.options.piece_timeout);
    fault = NGHTTP2_CANCEL;
  }
  pieces->source->end();
  if (fault != NGHTTP2_NO_ERROR && !pieces->gone) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, fault);
    begin_flush();
  }
  if (!failed_) set_deadline();
  --waiting_;
}

// False when the client has not taken it in time, or is gone.
asio::awaitable<bool> Http2Connection::await_taken(std::shared_ptr<Pieces> pieces) {
  const auto limit = std::chrono::duration_cast<MonoTime::duration>(context_.options.piece_timeout);
  const auto until = std::chrono::steady_clock::now() + limit;
  set_deadline();
  begin_flush();
  while (!pieces->gone && !pieces->taken() && std::chrono::steady_clock::now() < until) {
    pieces->moved.expires_at(until);
    Stream::ErrorCode ignored;
    co_await pieces->moved.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  co_return !pieces->gone && pieces->taken();
}

// Nobody is left to send them to.
void Http2Connection::end_pieces() {
  for (const auto& [id, exchange] : exchanges_)
    if (exchange->pieces) exchange->pieces->end();
}

// Moves what nghttp2 has to send to `out`; false on an error.
bool Http2Connection::collect(std::string& out) {
  out.clear();
  while (out.size() < most_collected) {
    const std::uint8_t* bytes = nullptr;
    const auto count = nghttp2_session_mem_send(session_, &bytes);
    if (count < 0) return false;
    if (count == 0) break;
    out.append(text(bytes, static_cast<std::size_t>(count)));
  }
  return true;
}

// Sends all there is; whoever comes while another one is at it leaves its frames to that one. False when the
// connection is lost.
asio::awaitable<bool> Http2Connection::flush() {
  if (writing_) co_return true;
  writing_ = true;
  for (;;) {
    std::string& out = context_.scratch;
    if (!collect(out)) failed_ = true;
    if (failed_ || out.empty()) break;
    Stream::ErrorCode error;
    const std::size_t done = stream_.write_now(out, error);
    if (!error && (done < out.size() || stream_.flush_due())) {
      const std::string rest = out.substr(done);
      blocked_since_ = std::chrono::steady_clock::now();
      set_deadline();
      co_await stream_.write_rest(rest, error);
      blocked_since_.reset();
      set_deadline();
    }
    if (error) failed_ = true;
  }
  writing_ = false;
  co_return !failed_;
}

// A flush lasts as long as the client lets it: this one holds up nobody.
void Http2Connection::begin_flush() {
  ++waiting_;
  asio::co_spawn(stream_.socket().get_executor(), flush_apart(), asio::detached);
}

asio::awaitable<void> Http2Connection::flush_apart() {
  co_await flush();
  --waiting_;
}

void Http2Connection::go_away() {
  if (failed_) return;  // run() is at its end and waits for nobody new
  for (const auto& [id, exchange] : exchanges_)
    if (exchange->pieces) exchange->pieces->source->end();
  ++waiting_;
  asio::co_spawn(stream_.socket().get_executor(), say_goodbye(), asio::detached);
}

// First "no new streams, please", then, when what was on its way is here, the last one that counts.
asio::awaitable<void> Http2Connection::say_goodbye() {
  nghttp2_submit_shutdown_notice(session_);
  co_await flush();
  asio::steady_timer timer(stream_.socket().get_executor(), goaway_delay);
  Stream::ErrorCode ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (!failed_) {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                          NGHTTP2_NO_ERROR, nullptr, 0);
    going_away_ = true;
    co_await flush();
    set_deadline();
  }
  --waiting_;
}

}  // namespace fluxmetrics::http
