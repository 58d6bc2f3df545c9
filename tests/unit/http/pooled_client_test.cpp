#include "http/pooled_client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/fixture.hpp"
#include "support/pki.hpp"

namespace fluxmetrics::http {
namespace {

namespace asio = boost::asio;

// Runs one coroutine to its end.
template <class T>
T wait_for(asio::io_context& io, asio::awaitable<T> work) {
  std::optional<T> result;
  asio::co_spawn(io, std::move(work), [&result](const std::exception_ptr& fault, T value) {
    EXPECT_FALSE(fault);
    result = std::move(value);
  });
  io.restart();
  while (!result && io.run_one_for(std::chrono::seconds(20)) > 0) {
  }
  EXPECT_TRUE(result) << "it never ended";
  return std::move(*result);
}

OutgoingRequest get(const std::string& target) {
  return {.target = target};
}

TEST(PooledClient, KeepsItsConnectionAndForgivesAServerThatClosedIt) {
  asio::io_context io;
  RunningServer server({.idle_timeout = Seconds(0.3)});
  PooledClient client(io.get_executor(), parse_url(server.url("http", "/")).value(), nullptr, "");
  for (int i = 0; i < 3; ++i) {
    const auto answer = wait_for(io, client.exchange(get("/a"), Seconds(10)));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "GET /a plain same");
  }
  // Longer than the server keeps an idle connection.
  std::this_thread::sleep_for(std::chrono::milliseconds(900));
  const auto answer = wait_for(io, client.exchange(get("/b"), Seconds(10)));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "GET /b plain same");
}

TEST(PooledClient, ShowsItsCertificateAndVerifiesTheServers) {
  asio::io_context io;
  const TemporaryDirectory directory;
  const auto ca = testing::TestCertificate::authority("ca");
  const auto serving =
      ca.sign({.subject = {{"CN", "server"}}, .uses = "serverAuth", .names = "DNS:kubernetes"});
  const auto person = ca.sign({.subject = {{"CN", "alice"}}});
  RunningServer server({.certificate = {.cert_file = directory.write("crt", serving.pem()),
                                        .key_file = directory.write("key", serving.key_pem())}});
  const auto exchange = [&](const ClientTls& tls, const std::string& name) {
    PooledClient client(io.get_executor(), parse_url(server.url("https", "/")).value(),
                        make_client_context(tls).value(), name);
    return wait_for(io, client.exchange(get("/"), Seconds(10)));
  };
  const ClientTls trusting{.ca = ca.pem(), .identity = person.pair(), .where = "the test"};
  EXPECT_TRUE(exchange(trusting, "kubernetes"));
  const auto misnamed = exchange(trusting, "");
  ASSERT_FALSE(misnamed) << "127.0.0.1 is not in the certificate";
  EXPECT_EQ(misnamed.error().code, Code::denied);
  const auto other = testing::TestCertificate::authority("other");
  EXPECT_FALSE(exchange({.ca = other.pem(), .where = "the test"}, "kubernetes"));
  EXPECT_TRUE(exchange({.ca = other.pem(), .where = "the test", .verify = false}, "kubernetes"));
}

TEST(PooledClient, SaysWhatIsWrongWithItsMaterial) {
  const auto ca = testing::TestCertificate::authority("ca");
  const auto one = ca.sign({.subject = {{"CN", "one"}}});
  const auto two = ca.sign({.subject = {{"CN", "two"}}});
  const auto text = [](const ClientTls& tls) {
    const auto made = make_client_context(tls);
    return made ? std::string("none") : made.error().message;
  };
  EXPECT_EQ(text({.ca = ca.pem(), .identity = one.pair(), .where = "x"}), "none");
  EXPECT_TRUE(
      text({.ca = "junk", .where = "the kubeconfig"}).contains("the CA of the kubeconfig holds no usable"));
  EXPECT_TRUE(text({.identity = {.certificate = one.pem(), .key = two.key_pem()}, .where = "the kubeconfig"})
                  .contains("the client key of the kubeconfig is not the key of the client certificate"));
}

TEST(PooledClient, GivesUpInTime) {
  asio::io_context io;
  // A listener that never answers: its backlog accepts.
  asio::ip::tcp::acceptor silent(io, {asio::ip::address_v4::loopback(), 0});
  const auto url = fmt::format("http://127.0.0.1:{}/", silent.local_endpoint().port());
  PooledClient client(io.get_executor(), parse_url(url).value(), nullptr, "");
  const auto answer = wait_for(io, client.exchange(get("/"), Seconds(0.2)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::timed_out);
  const auto stream = wait_for(io, client.stream(get("/"), Seconds(0.2)));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, Code::timed_out);
  silent.close();
  const auto refused = wait_for(io, client.exchange(get("/"), Seconds(10)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
}

// A response that comes in two chunks, the second later.
asio::awaitable<int> serve_chunks(asio::ip::tcp::acceptor& acceptor) {
  auto socket = co_await acceptor.async_accept(asio::use_awaitable);
  char request[512];
  co_await socket.async_read_some(asio::buffer(request), asio::use_awaitable);
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n";
  co_await socket.async_write_some(asio::buffer(head), asio::use_awaitable);
  asio::steady_timer timer(socket.get_executor(), std::chrono::milliseconds(100));
  co_await timer.async_wait(asio::use_awaitable);
  const std::string rest = "4\r\ntwo\n\r\n0\r\n\r\n";
  co_await socket.async_write_some(asio::buffer(rest), asio::use_awaitable);
  co_return 0;
}

TEST(PooledClient, ReadsAResponseAsItComes) {
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  const auto url = fmt::format("http://127.0.0.1:{}/", acceptor.local_endpoint().port());
  asio::co_spawn(io, serve_chunks(acceptor),
                 [](const std::exception_ptr& fault, int) { EXPECT_FALSE(fault); });
  PooledClient client(io.get_executor(), parse_url(url).value(), nullptr, "");
  auto stream = wait_for(io, client.stream(get("/"), Seconds(10)));
  ASSERT_TRUE(stream) << stream.error().message;
  EXPECT_EQ(stream->head().status, 200);
  EXPECT_EQ(wait_for(io, stream->next(Seconds(10))).value(), "one\n");
  EXPECT_EQ(wait_for(io, stream->next(Seconds(10))).value(), "two\n");
  EXPECT_EQ(wait_for(io, stream->next(Seconds(10))).value(), "");
}

}  // namespace
}  // namespace fluxmetrics::http
