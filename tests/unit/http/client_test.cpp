#include "http/client.hpp"

#include "http/fixture.hpp"

namespace fluxmetrics::http {
namespace {

// Answers the first connection with fixed bytes, then closes it.
class CannedServer {
 public:
  explicit CannedServer(std::string bytes) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 4), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, bytes = std::move(bytes)] {
      const int client = ::accept(listener_, nullptr, nullptr);
      char request[4096];
      (void)!::recv(client, request, sizeof request, 0);
      (void)!::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ::close(client);
    });
  }
  CannedServer(const CannedServer&) = delete;
  CannedServer& operator=(const CannedServer&) = delete;
  ~CannedServer() {
    thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}/x", port_); }

 private:
  int listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

Result<Fetched> fetch_canned(const std::string& bytes, FetchOptions options = {.timeout = Seconds(20)}) {
  const CannedServer server(bytes);
  return fetch(server.url(), options);
}

TEST(Client, FetchesStatusHeadersAndBody) {
  const RunningServer server;
  const auto got = fetch(server.url("http", "/a?b=%2A"), {.timeout = Seconds(20)});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->body, "GET /a?b=%2A plain same");
  EXPECT_EQ(find_header(got->headers, "content-type"), "text/plain");
}

TEST(Client, SendsItsHeadersAndAPathWhenTheUrlHasNone) {
  const RunningServer server({}, [](const Request& request) {
    Response response;
    response.body = std::make_shared<std::string>(
        request.target + " " + std::string(find_header(request.headers, "X-A").value_or("")));
    return response;
  });
  const auto got = fetch(server.url("http", ""), {.headers = {{"X-A", "1"}}, .timeout = Seconds(20)});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->body, "/ 1");
}

TEST(Client, ReadsEveryKindOfBody) {
  EXPECT_EQ(fetch_canned("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")->body, "ok");
  EXPECT_EQ(fetch_canned("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n")
                ->body,
            "ok");
  EXPECT_EQ(fetch_canned("HTTP/1.0 200 OK\r\n\r\nok")->body, "ok");
  EXPECT_EQ(fetch_canned("HTTP/1.1 204 No Content\r\n\r\n")->status, 204);
}

TEST(Client, SaysWhatWentWrong) {
  const auto code = [](const Result<Fetched>& result) {
    return result ? Code::internal : result.error().code;
  };
  EXPECT_EQ(code(fetch_canned("")), Code::unavailable);
  EXPECT_EQ(code(fetch_canned("SSH-2.0-x\r\n")), Code::protocol);
  EXPECT_EQ(code(fetch_canned("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok")), Code::protocol);
  EXPECT_EQ(code(fetch_canned("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                              {.timeout = Seconds(20), .max_body_bytes = 4})),
            Code::protocol);
  for (const char* url : {"", "ftp://h/", "http://", "127.0.0.1:80", "https:///x", "http://a b/"}) {
    EXPECT_EQ(code(fetch(url, {})), Code::invalid) << url;
  }
  EXPECT_EQ(code(fetch("https://127.0.0.1:1/", {.ca_file = "/does/not/exist"})), Code::not_found);
  std::uint16_t unused = 0;
  {
    const RunningServer server;
    unused = server.port();
  }
  EXPECT_EQ(code(fetch(fmt::format("http://127.0.0.1:{}/", unused), {})), Code::unavailable);
}

TEST(Client, GivesUpAfterItsTimeout) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  for (const char* scheme : {"http", "https"}) {
    const auto got =
        fetch(fmt::format("{}://127.0.0.1:{}/", scheme, ntohs(address.sin_port)), {.timeout = Seconds(0.2)});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Code::timed_out) << got.error().message;
  }
  ::close(listener);
}

}  // namespace
}  // namespace fluxmetrics::http
