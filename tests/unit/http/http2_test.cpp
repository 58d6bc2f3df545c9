#include "http/http2.hpp"

#include <future>
#include <limits>

#include "http/http2_client.hpp"

namespace fluxmetrics::http {
namespace {

TEST(Http2, AnswersWithTheHeadersOfHttp1InLowerCase) {
  const RunningServer server({}, [](const Request& request) {
    Response response = echo(request);
    response.headers.emplace_back("X-Mixed-Case", "kept");
    return response;
  });
  Http2Client client(server.port());
  const auto& answer = client.wait(client.ask("/a?b=c"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "GET /a?b=c tls same");
  EXPECT_EQ(answer.headers.at("content-type"), "text/plain");
  EXPECT_EQ(answer.headers.at("content-length"), "19");
  EXPECT_EQ(answer.headers.at("x-mixed-case"), "kept");
  EXPECT_TRUE(answer.headers.contains("date"));
}

TEST(Http2, TheHandlerSeesAuthorityAsHost) {
  const RunningServer server({}, [](const Request& request) {
    Response response;
    response.body = std::make_shared<std::string>(find_header(request.headers, "host").value_or("none"));
    return response;
  });
  Http2Client client(server.port());
  EXPECT_EQ(client.wait(client.ask("/")).body, "test");
}

TEST(Http2, AHundredStreamsWaitAtTheSameTime) {
  const RunningServer server;
  Http2Client client(server.port());
  std::vector<std::int32_t> ids;
  ids.reserve(Http2Connection::most_streams);
  for (std::uint32_t i = 0; i < Http2Connection::most_streams; ++i)
    ids.push_back(client.ask(fmt::format("/{}/{}", i % 2 == 0 ? "later" : "now", i)));
  for (std::uint32_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(client.wait(ids[i]).body, fmt::format("GET /{}/{} tls same", i % 2 == 0 ? "later" : "now", i));
  }
}

TEST(Http2, HeadHasNoBodyAndBodiesOfRequestsAreDropped) {
  const RunningServer server;
  Http2Client client(server.port());
  const auto& head = client.wait(client.ask("/", "HEAD"));
  EXPECT_EQ(head.headers.at("content-length"), "15");
  EXPECT_EQ(head.body, "");
  const auto& post = client.wait(client.ask("/p", "POST", {}, std::string(200'000, 'x')));
  EXPECT_EQ(post.body, "POST /p tls same");
}

TEST(Http2, LargeAnswersPassTheFlowControl) {
  const std::string large(3U << 20U, 'y');
  const RunningServer server({}, [&](const Request&) {
    Response response;
    response.body = std::make_shared<std::string>(large);
    return response;
  });
  Http2Client client(server.port());
  const auto one = client.ask("/1");
  const auto two = client.ask("/2");
  EXPECT_EQ(client.wait(one).body, large);
  EXPECT_EQ(client.wait(two).body, large);
}

TEST(Http2, RefusesWhatIsTooLargeAndGoesOn) {
  const RunningServer server({.max_header_bytes = 2000, .max_body_bytes = 1000});
  Http2Client client(server.port());
  EXPECT_EQ(client.wait(client.ask("/", "GET", {{"x-large", std::string(3000, 'x')}})).status, 431);
  const auto body = client.ask("/", "POST", {}, std::string(2000, 'x'));
  client.talk_until([&] { return client.answers[body].status != 0; });
  EXPECT_EQ(client.answers[body].status, 413);
  EXPECT_EQ(client.wait(client.ask("/ok")).status, 200);
}

TEST(Http2, AFaultOfTheHandlerIsOneRequestsProblem) {
  const RunningServer server;
  Http2Client client(server.port());
  EXPECT_EQ(client.wait(client.ask("/", "GET", {{"x-fail", "on purpose"}})).status, 500);
  EXPECT_EQ(client.wait(client.ask("/later", "GET", {{"x-fail", "on purpose"}})).status, 500);
  EXPECT_EQ(client.wait(client.ask("/")).status, 200);
}

TEST(Http2, AStopSaysGoAwayAndAnswersWhatIsOpen) {
  RunningServer server;
  Http2Client client(server.port());
  EXPECT_EQ(client.wait(client.ask("/")).status, 200);
  const auto open = client.ask("/later");
  client.talk_once();
  std::future<void> stopped = std::async(std::launch::async, [&] { server.stop(); });
  EXPECT_EQ(client.wait(open).status, 200);
  client.talk_until([&] { return client.closed(); });
  ASSERT_FALSE(client.goaways.empty());
  // The first one only says that no new streams are wanted: those on their way still count.
  EXPECT_EQ(client.goaways[0], std::numeric_limits<std::int32_t>::max());
  EXPECT_TRUE(client.closed());
}

TEST(Http2, GarbageEndsTheConnectionOnly) {
  const RunningServer server;
  Http2Client bad(server.port());
  bad.send("this is no connection preface at all, is it?");
  bad.talk_until([] { return false; });
  EXPECT_TRUE(bad.closed());
  Http2Client good(server.port());
  EXPECT_EQ(good.wait(good.ask("/")).status, 200);
}

TEST(Http2, ASilentClientIsCutOff) {
  const RunningServer server({.idle_timeout = Seconds(0.3)});
  Http2Client client(server.port());
  EXPECT_EQ(client.wait(client.ask("/")).status, 200);
  client.talk_until([] { return false; });
  EXPECT_TRUE(client.closed());
}

TEST(Http2, AClientThatNeverEndsItsRequestIsCutOff) {
  // The time is for the TLS handshake, too, which takes its while under a sanitizer.
  const RunningServer server({.header_timeout = Seconds(2)});
  Http2Client client(server.port());
  EXPECT_EQ(client.wait(client.ask("/")).status, 200);
  client.begin("/unfinished");
  client.talk_until([] { return false; });
  EXPECT_TRUE(client.closed());
}

// Connections that are at their end are told nothing any more: what they are made of may be gone (ASan sees
// it).
TEST(Http2, AStopMeetsClientsThatLeave) {
  for (int round = 0; round < 3; ++round) {
    RunningServer server;
    std::vector<std::unique_ptr<Http2Client>> clients(8);
    for (auto& client : clients) {
      client = std::make_unique<Http2Client>(server.port());
      EXPECT_EQ(client->wait(client->ask("/")).status, 200);
    }
    std::future<void> stopped = std::async(std::launch::async, [&] { server.stop(); });
    clients.clear();
    EXPECT_EQ(stopped.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  }
}

}  // namespace
}  // namespace fluxmetrics::http
