#include "http/stream.hpp"

#include <array>
#include <openssl/ssl.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "http/fixture.hpp"
#include "http/tls_engine.hpp"

namespace fluxmetrics::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// A server's stream with its handshake done, and its client, which reads when the test wants it to.
struct TlsStream : ::testing::Test {
  asio::io_context io{1};
  tcp::acceptor acceptor{io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  RawClient client{acceptor.local_endpoint().port()};
  Stream stream{acceptor.accept()};
  TlsContext client_context = make_client_context("").value();
  TlsEngine engine = TlsEngine::client(client_context, "metrics.example");
  Stream::ErrorCode accepted;

  void SetUp() override {
    SSL_CTX_set_cert_verify_callback(client_context.get(), [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
    const auto pair = make_self_signed({"metrics.example"}).value();
    bool over = false;
    start(stream.accept_tls(make_server_context(pair, {"certificate", "key"}).value(), accepted), over);
    while (!over) {
      static_cast<void>(engine.handshake());
      send(engine.output().size());
      receive();
      turn();
    }
    ASSERT_FALSE(accepted);
    EXPECT_EQ(engine.handshake(), TlsEngine::Progress::done) << engine.failure();
  }
  template <class T>
  void start(asio::awaitable<T> work, bool& over) {
    asio::co_spawn(io, std::move(work), [&over](const std::exception_ptr& fault, auto&&...) {
      EXPECT_FALSE(fault);
      over = true;
    });
  }
  // Whatever the server's side can do now.
  void turn() {
    io.restart();
    io.run_for(std::chrono::milliseconds(20));
  }
  void send(std::size_t count) {
    client.send(std::string(engine.output().substr(0, count)));
    engine.sent();
  }
  // What has come, decrypted.
  std::string receive() {
    std::string text(1U << 20U, '\0');
    const auto count = ::recv(client.fd(), text.data(), text.size(), MSG_DONTWAIT);
    if (count <= 0) return {};
    engine.feed({text.data(), static_cast<std::size_t>(count)});
    std::string plain;
    std::size_t read = 0;
    while (engine.read(text, read) == TlsEngine::Progress::done)
      plain.append(text, 0, read);
    return plain;
  }
};

// A reader sends, too: its answer to a key update, and with it all that the engine has kept.
struct AReaderThatSends : TlsStream {
  const std::string first = std::string(16U << 20U, 'a');  // more than the sockets take
  const std::string last = "b";
  std::array<char, 10> space{};
  Stream::ErrorCode ended;
  Stream::ErrorCode error;
  bool read = false;
  bool written = false;

  void SetUp() override {
    TlsStream::SetUp();
    ASSERT_EQ(stream.write_now(first, error), first.size());
    ASSERT_TRUE(stream.flush_due());
    ASSERT_EQ(engine.write("x"), TlsEngine::Progress::done);
    send(3);  // a record that is not whole: before the reader waits for the rest of it, it sends
    start(stream.read_some(asio::buffer(space), ended), read);
    turn();
    start(stream.write(last, error), written);
    turn();
    EXPECT_FALSE(written) << "the client has taken nothing";
  }
  void TearDown() override {
    stream.abort();
    while (!read || !written)
      turn();
  }
};

TEST_F(AReaderThatSends, HasTheWriterWait) {
  std::string got;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (got.size() <= first.size() && std::chrono::steady_clock::now() < until) {
    turn();
    for (std::string more = receive(); !more.empty(); more = receive())
      got += more;
  }
  turn();
  EXPECT_TRUE(written);
  EXPECT_FALSE(error);
  EXPECT_TRUE(got == first + last) << "as it was written";
}

TEST_F(AReaderThatSends, TellsTheWriterThatItCouldNot) {
  stream.abort();
  while (!written)
    turn();
  EXPECT_TRUE(error);
}

}  // namespace
}  // namespace fluxmetrics::http
