// An HTTP/2 client for tests: waits, and tells what it got.
#pragma once

#include <map>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <string>
#include <vector>

#include "http/fixture.hpp"
#include "http/tls_engine.hpp"

namespace fluxmetrics::http {

struct Http2Answer {
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string body;
  bool ended = false;
  std::uint32_t reset = 0;
};

class Http2Client {
 public:
  explicit Http2Client(std::uint16_t port)
      : socket_(port), context_(make_client_context("").value()), tls_(start(context_)) {
    handshake();
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks,
        [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
           const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
          auto& answer = static_cast<Http2Client*>(self)->answers[frame->hd.stream_id];
          const std::string key(reinterpret_cast<const char*>(name), name_size);
          const std::string text(reinterpret_cast<const char*>(value), value_size);
          if (key == ":status") answer.status = std::stoi(text);
          answer.headers[key] = text;
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                      std::size_t size, void* self) {
          static_cast<Http2Client*>(self)->answers[id].body.append(reinterpret_cast<const char*>(bytes),
                                                                   size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t error, void* self) {
          auto& answer = static_cast<Http2Client*>(self)->answers[id];
          answer.ended = true;
          answer.reset = error;
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
          if (frame->hd.type == NGHTTP2_GOAWAY)
            static_cast<Http2Client*>(self)->goaways.push_back(frame->goaway.last_stream_id);
          return 0;
        });
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;
  ~Http2Client() { nghttp2_session_del(session_); }

  // `body`: sent as DATA when not empty.
  std::int32_t ask(const std::string& path, const std::string& method = "GET", const Headers& more = {},
                   const std::string& body = "") {
    Headers headers = head(method, path);
    headers.insert(headers.end(), more.begin(), more.end());
    const auto fields = fields_of(headers);
    bodies_.push_back(std::make_unique<std::string>(body));
    nghttp2_data_provider provider{};
    provider.source.ptr = bodies_.back().get();
    provider.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* space, std::size_t size,
                                std::uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
      auto& rest = *static_cast<std::string*>(source->ptr);
      const auto count = std::min(size, rest.size());
      std::copy_n(rest.data(), count, reinterpret_cast<char*>(space));
      rest.erase(0, count);
      if (rest.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(count);
    };
    return nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                  body.empty() ? nullptr : &provider, nullptr);
  }

  // Sends the head of a request whose body never comes.
  void begin(const std::string& path) {
    Headers headers = head("POST", path);
    const auto fields = fields_of(headers);
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, -1, nullptr, fields.data(), fields.size(), nullptr);
    talk_once();
  }

  // Lets the server send as much as it likes.
  void open_windows() {
    constexpr std::int32_t wide = 1 << 30;
    const nghttp2_settings_entry wish{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, wide};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &wish, 1);
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, wide);
  }

  // Sends a ping and whatever else there is to send, and reads nothing.
  void ping() {
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
    send_frames();
  }
  // Whether the server has reset the connection; without a look at what it has sent.
  [[nodiscard]] bool was_reset() const {
    pollfd waiting{.fd = socket_.fd(), .events = 0, .revents = 0};
    return ::poll(&waiting, 1, 0) > 0;
  }

  // Sends what is there to send, and looks for what has come.
  void talk_once() {
    int rounds = 0;
    talk_until([&] { return rounds++ > 0; });
  }

  // Talks until `done` or the end of the connection, 20 s at most.
  template <class Done>
  bool talk_until(Done done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done() && !closed_ && std::chrono::steady_clock::now() < end) {
      send_frames();
      receive();
    }
    return done();
  }
  const Http2Answer& wait(std::int32_t id) {
    talk_until([&] { return answers[id].ended; });
    return answers[id];
  }
  void send(std::string_view plain) {
    EXPECT_EQ(tls_.write(plain), TlsEngine::Progress::done);
    flush();
  }
  [[nodiscard]] bool closed() const { return closed_; }

  std::map<std::int32_t, Http2Answer> answers;
  std::vector<std::int32_t> goaways;

 private:
  static Headers head(const std::string& method, const std::string& path) {
    return {{":method", method}, {":scheme", "https"}, {":path", path}, {":authority", "test"}};
  }
  // Valid as long as `headers` are.
  static std::vector<nghttp2_nv> fields_of(Headers& headers) {
    std::vector<nghttp2_nv> fields;
    fields.reserve(headers.size());
    for (auto& [name, value] : headers) {
      fields.push_back({.name = reinterpret_cast<std::uint8_t*>(name.data()),
                        .value = reinterpret_cast<std::uint8_t*>(value.data()),
                        .namelen = name.size(),
                        .valuelen = value.size(),
                        .flags = NGHTTP2_NV_FLAG_NONE});
    }
    return fields;
  }
  static TlsEngine start(const TlsContext& context) {
    static constexpr std::array<unsigned char, 3> wish = {2, 'h', '2'};
    SSL_CTX_set_alpn_protos(context.get(), wish.data(), wish.size());
    SSL_CTX_set_cert_verify_callback(context.get(), [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
    return TlsEngine::client(context, "127.0.0.1");
  }
  void send_frames() {
    const std::uint8_t* bytes = nullptr;
    for (ssize_t count = 0; (count = nghttp2_session_mem_send(session_, &bytes)) > 0;)
      send({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count)});
  }
  void handshake() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (tls_.handshake() == TlsEngine::Progress::needs_input && std::chrono::steady_clock::now() < end) {
      flush();
      feed();
    }
    flush();
    EXPECT_EQ(tls_.protocol(), "h2") << tls_.failure();
  }
  void flush() {
    socket_.send(std::string(tls_.output()));
    tls_.sent();
  }
  void feed() {
    pollfd waiting{.fd = socket_.fd(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 50) <= 0) return;
    std::array<char, 65536> bytes{};
    const auto count = ::recv(socket_.fd(), bytes.data(), bytes.size(), 0);
    if (count <= 0) closed_ = true;
    if (count > 0) tls_.feed({bytes.data(), static_cast<std::size_t>(count)});
  }
  void receive() {
    feed();
    std::array<char, 65536> bytes{};
    std::size_t count = 0;
    for (;;) {
      const auto progress = tls_.read(bytes, count);
      if (progress == TlsEngine::Progress::closed || progress == TlsEngine::Progress::failed) closed_ = true;
      if (progress != TlsEngine::Progress::done) return;
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), count);
    }
  }

  RawClient socket_;
  TlsContext context_;
  TlsEngine tls_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::unique_ptr<std::string>> bodies_;
  bool closed_ = false;
};

}  // namespace fluxmetrics::http
