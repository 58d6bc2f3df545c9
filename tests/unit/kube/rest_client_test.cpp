#include "kube/rest_client.hpp"

#include <gtest/gtest.h>

#include "kube/api_server.hpp"

namespace fluxmetrics::kube {
namespace {

using Then = Answer::Then;

constexpr RetryPolicy quickly{.tries = 5, .pauses = {.first = Seconds(0.001), .growth = 1}};

struct RestBench {
  boost::asio::io_context io;
  ApiServer server{io};
  Now now = Now::read();
  RestClient client{io.get_executor(), server.access(), [this] { return now; }};

  Result<http::Fetched> call(RestCall call) { return finish(io, client.call(std::move(call))); }
  Result<boost::json::object> object(RestCall call) { return finish(io, client.object(std::move(call))); }
};

TEST(RestClient, SendsABodyAsWhatItIs) {
  RestBench bench;
  for (const auto type : {media::json, media::merge_patch, media::json_patch, media::apply_patch}) {
    ASSERT_TRUE(bench.call({.method = "PATCH", .path = "/x", .body = "[]", .media_type = type}));
    EXPECT_EQ(bench.server.asked.back().header("Content-Type"), type);
    EXPECT_EQ(bench.server.asked.back().body, "[]");
  }
  ASSERT_TRUE(bench.call({.method = "POST", .path = "/x", .body = "{}"}));
  EXPECT_EQ(bench.server.asked.back().header("Content-Type"), "application/json") << "unless told otherwise";
  ASSERT_TRUE(bench.call({.path = "/x"}));
  EXPECT_EQ(bench.server.asked.back().header("Content-Type"), "none") << "there is no body";
}

TEST(RestClient, RepeatsACallAsOftenAsItMay) {
  for (const int status : {429, 500, 503, 504}) {
    RestBench bench;
    bench.server.answer = [&](const Asked&) {
      return Answer{.status = bench.server.asked.size() < 3 ? status : 200};
    };
    const auto answer = bench.call({.method = "POST", .path = "/x", .body = "{}", .retry = quickly});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(bench.server.asked.size(), 3U) << status;
  }
  RestBench bench;
  bench.server.answer = [](const Asked&) { return Answer{.status = 503}; };
  EXPECT_EQ(bench.call({.path = "/x", .retry = quickly})->status, 503);
  EXPECT_EQ(bench.server.asked.size(), 5U);
  RestBench silent;
  silent.server.answer = [](const Asked&) { return Answer{.then = Then::hang_up}; };
  EXPECT_FALSE(silent.call({.path = "/x", .retry = quickly}));
  EXPECT_EQ(silent.server.asked.size(), 5U) << "no answer at all";
}

TEST(RestClient, RepeatsNothingThatWouldBeAnsweredTheSame) {
  for (const int status : {200, 201, 400, 403, 404, 409, 410, 422}) {
    RestBench bench;
    bench.server.answer = [&](const Asked&) { return Answer{.status = status}; };
    EXPECT_EQ(bench.call({.method = "PUT", .path = "/x", .body = "{}", .retry = quickly})->status, status);
    EXPECT_EQ(bench.server.asked.size(), 1U) << status;
  }
}

TEST(RestClient, RepeatsNothingThatMustGoOutOnce) {
  for (const auto& answer : {Answer{.status = 429}, Answer{.status = 500}, Answer{.status = 503},
                             Answer{.status = 504}, Answer{.then = Then::hang_up}}) {
    RestBench bench;
    bench.server.answer = [&](const Asked&) { return answer; };
    (void)bench.call({.method = "PUT", .path = "/x", .body = "{}", .retry = once});
    EXPECT_EQ(bench.server.asked.size(), 1U) << answer.status;
  }
}

// A server that takes a request on a kept connection and ends it may have obeyed.
TEST(RestClient, SendsAWriteOnceOnAKeptConnectionToo) {
  for (const bool may_repeat : {false, true}) {
    RestBench bench;
    ASSERT_TRUE(bench.call({.path = "/first"}));
    bench.server.answer = [&](const Asked&) {
      return Answer{.then = bench.server.asked.size() == 2 ? Then::hang_up : Then::keep};
    };
    const auto answer =
        bench.call({.method = "PUT", .path = "/x", .body = "{}", .retry = may_repeat ? quickly : once});
    EXPECT_EQ(bench.server.connections, may_repeat ? 2 : 1) << "the first try went out on the kept one";
    EXPECT_EQ(answer.has_value(), may_repeat);
    EXPECT_EQ(bench.server.asked.size(), may_repeat ? 3U : 2U);
  }
}

TEST(RestClient, UsesNoConnectionThatIsKnownToBeClosed) {
  RestBench bench;
  bench.server.answer = [](const Asked&) { return Answer{.then = Then::close}; };
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(bench.call({.method = "PUT", .path = "/x", .body = "{}", .retry = once})) << i;
    // Its end arrives.
    (void)run_until(bench.io, [end = std::chrono::steady_clock::now() + std::chrono::milliseconds(50)] {
      return std::chrono::steady_clock::now() > end;
    });
  }
  EXPECT_EQ(bench.server.connections, 3);
}

TEST(RestClient, TriesShareTheTimeOfTheClockThatItIsGiven) {
  RestBench bench;
  bench.server.answer = [&](const Asked&) {
    bench.now.mono += std::chrono::seconds(4);
    return Answer{.status = 503};
  };
  EXPECT_EQ(bench.call({.path = "/x", .timeout = Seconds(10), .retry = quickly})->status, 503);
  EXPECT_EQ(bench.server.asked.size(), 3U) << "12 seconds are more than 10";
}

TEST(RestClient, TellsRefusalsApart) {
  RestBench bench;
  const auto code = [&](int status) {
    bench.server.answer = [status](const Asked&) {
      return Answer{.status = status, .body = R"({"kind":"Status","message":"because"})"};
    };
    const auto got = bench.object({.method = "PUT", .path = "/x", .body = "{}", .retry = once});
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().message, fmt::format("PUT /x: because ({})", status));
    return got.error().code;
  };
  EXPECT_EQ(code(409), Code::conflict);
  EXPECT_EQ(code(404), Code::not_found);
  EXPECT_EQ(code(410), Code::expired);
  EXPECT_EQ(code(401), Code::denied);
  EXPECT_EQ(code(403), Code::denied);
  EXPECT_EQ(code(400), Code::invalid);
  EXPECT_EQ(code(422), Code::invalid);
  EXPECT_EQ(code(415), Code::unsupported);
  EXPECT_EQ(code(429), Code::unavailable);
  EXPECT_EQ(code(503), Code::unavailable);
  bench.server.answer = [](const Asked&) { return Answer{.body = "[]"}; };
  EXPECT_EQ(bench.object({.path = "/x"}).error().code, Code::protocol);
  bench.server.answer = [](const Asked&) { return Answer{.status = 201, .body = R"({"a":1})"}; };
  EXPECT_EQ(bench.object({.path = "/x"}).value(), (boost::json::object{{"a", 1}}));
}

}  // namespace
}  // namespace fluxmetrics::kube
