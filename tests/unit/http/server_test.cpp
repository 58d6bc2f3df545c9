#include "http/server.hpp"

#include <atomic>
#include <csignal>
#include <memory>
#include <sys/resource.h>
#include <vector>

#include "http/client.hpp"
#include "http/fixture.hpp"

namespace fluxmetrics::http {
namespace {

using std::chrono::steady_clock;

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++count;
  return count;
}

// Sends one request on a connection of its own and reads to the end.
std::string ask(std::uint16_t port, const std::string& bytes) {
  RawClient client(port);
  client.send(bytes);
  return client.read_all();
}

TEST(Server, AnswersPlainHttpWithLengthAndDate) {
  const RunningServer server;
  const auto text = ask(server.port(), "GET /a?b=c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 21\r\nDate: "))
      << text;
  EXPECT_TRUE(text.contains(" GMT\r\nConnection: close\r\n\r\n")) << text;
  EXPECT_TRUE(text.ends_with("\r\n\r\nGET /a?b=c plain same")) << text;
}

TEST(Server, KeepsTheConnectionAndTakesPipelinedRequests) {
  const RunningServer server;
  RawClient client(server.port());
  client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.read_until("GET /1 plain same").contains("200 OK"));
  client.forget();
  client.send(
      "GET /2 HTTP/1.1\r\nHost: h\r\n\r\nPOST /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /4 "
      "HTTP/1.1\r\nHost");
  client.read_until("POST /3 plain same");
  client.send(": h\r\nConnection: close\r\n\r\n");
  const auto text = client.read_all();
  EXPECT_EQ(count_of(text, "HTTP/1.1 200 OK"), 3U) << text;
  EXPECT_LT(text.find("GET /2"), text.find("POST /3"));
  EXPECT_LT(text.find("POST /3"), text.find("GET /4"));
}

TEST(Server, AnswersHttp10) {
  const RunningServer server;
  EXPECT_TRUE(ask(server.port(), "GET / HTTP/1.0\r\n\r\n").contains("Connection: close"));
  RawClient client(server.port());
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(client.read_until("plain same").contains("Connection: keep-alive\r\n"));
  EXPECT_FALSE(client.closed());
}

TEST(Server, WaitsForAnAnswerThatTakesWaiting) {
  const RunningServer server;
  const auto text = ask(server.port(),
                        "GET /later/1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
                        "GET /later/3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(count_of(text, "HTTP/1.1 200 OK"), 3U) << text;
  EXPECT_LT(text.find("GET /later/1 plain"), text.find("GET /2 plain"));
  EXPECT_TRUE(text.ends_with("GET /later/3 plain same")) << text;
  const auto failed = ask(server.port(), "GET /later HTTP/1.1\r\nHost: h\r\nX-Fail: on purpose\r\n\r\n");
  EXPECT_TRUE(failed.starts_with("HTTP/1.1 500 ")) << failed;
}

TEST(Server, SendsWhatAClientIsSlowToTake) {
  const std::string large(16U << 20U, 'x');
  const RunningServer server({}, [&](const Request&) {
    Response response;
    response.body = std::make_shared<std::string>(large);
    return response;
  });
  const auto text = ask(server.port(), "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(text.ends_with("\r\n\r\n" + large)) << text.size();
  const auto got = fetch(server.url("https", "/"), {.headers = {}, .timeout = Seconds(20)});
  EXPECT_FALSE(got);  // the self-signed certificate of the test's server is nobody's
}

TEST(Server, HeadHasTheLengthButNoBody) {
  const RunningServer server;
  const auto text = ask(server.port(), "HEAD /h HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(text.contains("Content-Length: 18\r\n")) << text;
  EXPECT_TRUE(text.ends_with("\r\n\r\n")) << text;
}

TEST(Server, DropsBodiesUpToTheLimit) {
  const RunningServer server({.max_body_bytes = 1000});
  const std::string body(1000, 'x');
  const std::string chunked = "3e8\r\n" + body + "\r\n0\r\n\r\n";
  const std::string head = "PUT /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
  EXPECT_TRUE(ask(server.port(), head + "Content-Length: 1000\r\n\r\n" + body).contains("PUT /b plain"));
  EXPECT_TRUE(
      ask(server.port(), head + "Transfer-Encoding: chunked\r\n\r\n" + chunked).contains("PUT /b plain"));
  EXPECT_TRUE(
      ask(server.port(), head + "Content-Length: 1001\r\n\r\n" + body + "x").starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(ask(server.port(), head + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n" + chunked)
                  .starts_with("HTTP/1.1 413 "));
}

TEST(Server, AnswersExpectContinue) {
  const RunningServer server;
  RawClient client(server.port());
  client.send(
      "POST /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: "
      "close\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_TRUE(client.read_all().ends_with("POST /e plain same"));
}

TEST(Server, RefusesALargeBodyBeforeItIsSent) {
  const RunningServer server({.max_body_bytes = 10});
  const auto text =
      ask(server.port(), "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
  EXPECT_TRUE(text.starts_with("HTTP/1.1 413 ")) << text;
}

TEST(Server, RefusesAHeadThatIsTooLarge) {
  const RunningServer server({.max_header_bytes = 4096});
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX: ";
  EXPECT_TRUE(ask(server.port(), start + std::string(3000, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(ask(server.port(), start + std::string(5000, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(ask(server.port(), start + std::string(300000, 'x')).starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(ask(server.port(), "GET /" + std::string(9000, 'x')).starts_with("HTTP/1.1 431 "));
}

TEST(Server, TakesAHeadOfAMebibyteWhenAllowed) {
  const RunningServer server({.max_header_bytes = 1U << 20U});
  const auto text =
      ask(server.port(),
          "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX: " + std::string(900000, 'x') + "\r\n\r\n");
  EXPECT_TRUE(text.starts_with("HTTP/1.1 200 ")) << text.substr(0, 200);
}

TEST(Server, BoundsWhatTheParserDoesNot) {
  const RunningServer server({.max_header_bytes = 4096});
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string much(300'000, 'x');
  EXPECT_TRUE(ask(server.port(), head + "5;" + much).starts_with("HTTP/1.1 431 ")) << "a chunk's extension";
  std::string trailers;
  for (int i = 0; i < 30'000; ++i)
    trailers += "x: y\r\n";
  EXPECT_TRUE(ask(server.port(), head + "0\r\n" + trailers).starts_with("HTTP/1.1 431 "));
}

TEST(Server, TurnsLargeHeadsAwayWhenAllTogetherAreTooLarge) {
  const RunningServer server({.max_unread_bytes = 100'000});
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(40'000, 'x');
  std::vector<std::unique_ptr<RawClient>> crowd;
  int turned_away = 0;
  for (int i = 0; i < 8; ++i) {
    crowd.push_back(std::make_unique<RawClient>(server.port()));
    crowd.back()->send(head);
    EXPECT_TRUE(
        ask(server.port(), "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").contains("200 OK"))
        << "small requests are served";
  }
  for (auto& client : crowd) {
    client->send("\r\nConnection: close\r\n\r\n");
    if (client->read_all().starts_with("HTTP/1.1 503 ")) ++turned_away;
  }
  EXPECT_GT(turned_away, 0);
  EXPECT_LT(turned_away, 8);
}

TEST(Server, RefusesWhatOtherServersMayReadOtherwise) {
  const RunningServer server;
  const std::string one_length = "Content-Length: 2\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  for (const std::string& fields :
       {one_length + one_length, one_length + "Content-Length: 3\r\n", one_length + chunked,
        chunked + one_length, chunked + chunked, std::string("Transfer-Encoding: gzip\r\n"),
        std::string("Transfer-Encoding: xchunked\r\n"),
        std::string("Transfer-Encoding: chunked, identity\r\n"), std::string("Host: other\r\n")}) {
    const auto text = ask(server.port(), "GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n0\r\n\r\n");
    EXPECT_TRUE(text.starts_with("HTTP/1.1 400 ")) << fields << text;
  }
  EXPECT_TRUE(
      ask(server.port(), "GET / HTTP/1.0\r\n" + chunked + "\r\n0\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

TEST(Server, RefusesWhatIsNotHttp11) {
  const RunningServer server;
  for (const auto* bytes :
       {"GET / HTTP/1.1\r\n\r\n", "\r\n\r\nnonsense\r\n\r\n", "GET  HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nBad Header: x\r\n\r\n", "\x80\x2e\x01\x03\x01xxxxxxxxx\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1x\r\n\r\n"}) {
    const auto text = ask(server.port(), bytes);
    EXPECT_TRUE(text.starts_with("HTTP/1.1 400 ")) << bytes << " -> " << text;
    EXPECT_TRUE(text.contains("Connection: close")) << text;
  }
}

TEST(Server, ClosesAnHttp2PrefaceCleanly) {
  const RunningServer server;
  const auto text = ask(server.port(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  EXPECT_TRUE(text.starts_with("HTTP/1.1 505 ") || text.starts_with("HTTP/1.1 400 ")) << text;
}

TEST(Server, ReducesAbsoluteTargets) {
  const RunningServer server;
  const std::string rest = " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  EXPECT_TRUE(
      ask(server.port(), "GET http://h:1/x?y=http://z" + rest).ends_with("GET /x?y=http://z plain same"));
  EXPECT_TRUE(ask(server.port(), "GET http://h" + rest).ends_with("GET / plain same"));
  EXPECT_TRUE(ask(server.port(), "OPTIONS *" + rest).ends_with("OPTIONS * plain same"));
  EXPECT_TRUE(ask(server.port(), "GET /a?u=http://h/b" + rest).ends_with("GET /a?u=http://h/b plain same"));
}

TEST(Server, NeverLetsAHeaderBreakTheHead) {
  const RunningServer server({}, [](const Request&) {
    Response response;
    response.headers = {{"Good", "1"}, {"Bad", "1\r\nInjected: 2"}};
    return response;
  });
  const auto text = ask(server.port(), "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(text.contains("Good: 1\r\n")) << text;
  EXPECT_FALSE(text.contains("Injected")) << text;
}

TEST(Server, AFaultOfTheHandlerIsOneRequestsProblem) {
  const RunningServer server;
  const auto text = ask(server.port(), "GET / HTTP/1.1\r\nHost: h\r\nX-Fail: yes\r\n\r\n");
  EXPECT_TRUE(text.starts_with("HTTP/1.1 500 ")) << text;
  EXPECT_TRUE(fetch(server.url("http", "/after"), {}));
}

TEST(Server, NotModifiedHasNoBodyNorLength) {
  const RunningServer server({}, [](const Request&) {
    Response response;
    response.status = 304;
    response.body = std::make_shared<std::string>("x");
    return response;
  });
  const auto text = ask(server.port(), "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(text.starts_with("HTTP/1.1 304 Not Modified\r\n")) << text;
  EXPECT_FALSE(text.contains("Content-Length")) << text;
  EXPECT_TRUE(text.ends_with("\r\n\r\n")) << text;
}

TEST(Server, ClosesSlowClients) {
  const RunningServer server({.header_timeout = Seconds(0.3), .idle_timeout = Seconds(60)});
  RawClient silent(server.port());
  RawClient slow_head(server.port());
  RawClient slow_body(server.port());
  RawClient slow_hello(server.port());
  slow_head.send("GET / HTTP/1.1\r\nHo");
  slow_body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
  slow_hello.send("\x16\x03\x01");
  for (auto* client : {&silent, &slow_head, &slow_body, &slow_hello})
    EXPECT_EQ(client->read_all(), "");
}

TEST(Server, ClosesIdleConnections) {
  const RunningServer server({.header_timeout = Seconds(60), .idle_timeout = Seconds(0.3)});
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.read_all().contains("200 OK"));
}

TEST(Server, MakesRoomByClosingAnIdleConnection) {
  const RunningServer server({.max_connections = 2});
  RawClient first(server.port());
  RawClient second(server.port());
  for (auto* client : {&first, &second}) {
    client->send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    client->read_until("plain same");
  }
  EXPECT_TRUE(fetch(server.url("http", "/third"), {.timeout = Seconds(20)}));
  first.read_all();
}

TEST(Server, MakesRoomByClosingTheSlowestRequest) {
  const RunningServer server({.max_connections = 3});
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 3; ++i) {
    slow.push_back(std::make_unique<RawClient>(server.port()));
    slow.back()->send("GET /slow HTTP/1.1\r\nHo");
  }
  const auto text = ask(server.port(), "GET /new HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(text.contains("GET /new plain")) << text;
}

TEST(Server, SurvivesRunningOutOfDescriptors) {
  RunningServer server;
  ASSERT_TRUE(fetch(server.url("http", "/before"), {.timeout = Seconds(20)}));
  RawClient waiting(server.port());  // its descriptor exists; the server needs another
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const int next = ::dup(0);
  ::close(next);
  RawClient starved(server.port());
  rlimit low = old;
  low.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  starved.send("GET /late HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(400));  // the server fails and pauses meanwhile
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_TRUE(starved.read_all().ends_with("GET /late plain same"));
}

TEST(Server, StopFinishesWithIdleConnectionsOpen) {
  RunningServer server;
  RawClient idle(server.port());
  idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  idle.read_until("plain same");
  RawClient fresh(server.port());
  const auto start = steady_clock::now();
  server.stop();
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(20));
  idle.read_all();
  EXPECT_FALSE(RawClient(server.port()).connected());
}

TEST(Server, StopLetsTheRequestUnderWayEnd) {
  RunningServer server;
  RawClient busy(server.port());
  busy.send("POST /busy HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  busy.read_until("100 Continue");
  server.server().stop();
  busy.send("ok");
  const auto text = busy.read_all();
  EXPECT_TRUE(text.ends_with("POST /busy plain same")) << text;
  EXPECT_TRUE(text.contains("Connection: close\r\n")) << text;
}

TEST(Server, StopsOnSigterm) {
  FunctionHandler handler(echo);
  Server server({.host = "127.0.0.1", .port = 0}, handler);
  ASSERT_TRUE(server.listen());
  std::atomic<bool> answered = false;
  std::thread asker([&] {
    answered =
        fetch(fmt::format("http://127.0.0.1:{}/", server.port()), {.timeout = Seconds(20)}).has_value();
    ::kill(::getpid(), SIGTERM);
  });
  server.run(true);
  asker.join();
  EXPECT_TRUE(answered);
}

TEST(Server, SaysWhyItCannotListen) {
  const RunningServer server;
  FunctionHandler handler(echo);
  Server second({.host = "127.0.0.1", .port = server.port()}, handler);
  const auto used = second.listen();
  ASSERT_FALSE(used);
  EXPECT_EQ(used.error().message,
            fmt::format("cannot listen on 127.0.0.1 port {}: another program does; stop it or "
                        "choose another --port",
                        server.port()));
  const auto elsewhere = Server({.host = "192.0.2.1", .port = 0}, handler).listen();
  ASSERT_FALSE(elsewhere);
  EXPECT_TRUE(elsewhere.error().message.contains("no such address")) << elsewhere.error().message;
  const auto unknown = Server({.host = "no.such.host.invalid", .port = 0}, handler).listen();
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(unknown.error().message.contains("no.such.host.invalid")) << unknown.error().message;
}

TEST(Server, KnowsItsOwnHostOnEveryFamily) {
  FunctionHandler handler(echo);
  Server server({.host = "::", .port = 0}, handler);
  if (!server.listen()) GTEST_SKIP() << "no IPv6 here";
  std::thread thread([&] { server.run(false); });
  for (const char* host : {"127.0.0.1", "[::1]"}) {
    const auto got = fetch(fmt::format("http://{}:{}/", host, server.port()), {.timeout = Seconds(20)});
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->body, "GET / plain same") << host;
  }
  server.stop();
  thread.join();
}

}  // namespace
}  // namespace fluxmetrics::http
