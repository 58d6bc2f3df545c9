// Requests that are on their way at the same time: what one is must not get into the answer of another.
#include <atomic>
#include <gtest/gtest.h>
#include <optional>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "api/bench.hpp"
#include "api/cluster_documents.hpp"
#include "base/log.hpp"
#include "support/api_server.hpp"

namespace fluxmetrics::api {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

const http::Peer distant{.address = "192.0.2.1", .tls = true, .same_host = false};
const http::Peer neighbour{.address = "127.0.0.1", .tls = false, .same_host = true};

// An Api that asks a cluster which holds its reviews back until it is told to let go.
struct ExchangeBench {
  std::atomic<bool> released = false;
  test::ApiServer cluster{[this](const http::Request& request) {
    released.wait(false);
    if (request.target == "/apis") return test::json_answer("the cluster's own");
    return test::json_answer(R"({"status":{"allowed":true,"authenticated":true,"user":{"username":"sa"}}})",
                             201);
  }};
  asio::io_context io{1};
  access::AuthenticationState state;
  kube::RestClient client{io.get_executor(), cluster.access()};
  access::AccessControl control{{.mode = access::AccessOptions::Mode::delegated},
                                {.state = &state, .tokens = &client, .access = &client}};
  ClusterDocuments documents{client, {}};
  Bench source;  // of snapshots
  Api api{{}, source.store, &control, &source.pods};

  ExchangeBench() {
    state.publish({});
    source.publish();
  }
  ExchangeBench(const ExchangeBench&) = delete;
  ExchangeBench& operator=(const ExchangeBench&) = delete;
  ~ExchangeBench() { release(); }
  void release() {
    released = true;
    released.notify_all();
  }

  static http::Request asking(const std::string& target, http::Headers headers, http::Peer peer) {
    return {.method = "GET", .target = target, .headers = std::move(headers), .peer = std::move(peer)};
  }
  // Of one who need not wait.
  http::Response get(const std::string& target, http::Headers headers = {}) {
    return api.answer(asking(target, std::move(headers), neighbour)).value();
  }

  struct Waiter {
    std::optional<http::Response> response;
  };
  // Begins to wait, as the server does for what is not answered at once.
  std::shared_ptr<Waiter> begin(http::Request request) {
    auto waiter = std::make_shared<Waiter>();
    EXPECT_FALSE(api.answer(request)) << request.target;
    asio::co_spawn(
        io, api.answer_later(std::move(request)),
        [waiter](const std::exception_ptr&, http::Response made) { waiter->response = std::move(made); });
    return waiter;
  }
  void run_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    io.restart();
    while (!done() && std::chrono::steady_clock::now() < end)
      io.run_one_for(20ms);
    EXPECT_TRUE(done());
  }
  std::string own_metrics() { return *get("/metrics").body; }
};

std::string counted_as(const char* route, int code, int count) {
  return fmt::format("flux_metrics_http_requests_total{{route=\"{}\",code=\"{}\"}} {}\n", route, code, count);
}

TEST(Exchange, KeepsRequestsApartWhileOneWaits) {
  ExchangeBench bench;
  const http::Headers yaml{{"Authorization", "Bearer t"}, {"Accept", "application/yaml"}};
  const auto metric = service_root + "node_up_count";
  // A text too long to be kept, and one that is kept.
  const auto long_one = service_root + "job_count?labelSelector=" + std::string(2500, 'a');
  auto waits = bench.begin(ExchangeBench::asking(metric, yaml, distant));
  auto waits_long = bench.begin(ExchangeBench::asking(long_one, {{"Authorization", "Bearer t"}}, distant));
  bench.run_until([&] { return bench.cluster.asked() > 0; });

  // Meanwhile more others come than are remembered, of all kinds.
  EXPECT_EQ(bench.get("/readyz").status, 200);
  EXPECT_EQ(bench.get("/" + std::string(2500, 'b')).status, 404);
  for (int i = 0; i < 600; ++i)
    EXPECT_EQ(bench.get(fmt::format("/nope/{}", i)).status, 404);
  EXPECT_FALSE(waits->response);
  EXPECT_FALSE(waits_long->response);

  bench.release();
  bench.run_until([&] { return waits->response && waits_long->response; });
  EXPECT_EQ(waits->response->status, 200);
  EXPECT_EQ(waits->response->content_type, "application/yaml");
  EXPECT_EQ(*waits->response->body, *bench.get(metric, {{"Accept", "application/yaml"}}).body);
  EXPECT_EQ(waits_long->response->status, 400);
  EXPECT_EQ(message_of(*waits_long->response), message_of(bench.get(long_one)));
  const auto told = bench.own_metrics();
  EXPECT_TRUE(told.contains(counted_as("metric", 200, 2))) << told;
  EXPECT_TRUE(told.contains(counted_as("metric", 400, 2)));
  EXPECT_TRUE(told.contains(counted_as("health", 200, 1)));
  EXPECT_TRUE(told.contains(counted_as("other", 404, 601)));
}

TEST(Exchange, EndsLateAsWhatItIs) {
  ExchangeBench bench;
  const auto target = service_root + "node_up_count?timeout=300ms";
  auto waits = bench.begin(ExchangeBench::asking(
      target, {{"Authorization", "Bearer t"}, {"Accept", "application/yaml"}}, distant));
  EXPECT_EQ(bench.get("/version").status, 200);
  bench.run_until([&] { return waits->response.has_value(); });
  EXPECT_EQ(waits->response->status, 504);
  EXPECT_EQ(waits->response->content_type, "application/yaml");
  EXPECT_TRUE(waits->response->body->contains("did not complete within the allotted timeout"));
  const auto told = bench.own_metrics();
  EXPECT_TRUE(told.contains(counted_as("metric", 504, 1))) << told;
  EXPECT_TRUE(told.contains(counted_as("discovery", 200, 1)));
  EXPECT_TRUE(told.contains("flux_metrics_http_request_duration_seconds_bucket{le=\"0.1\"} 1\n"))
      << "the wait counts from when it came: " << told;
}

// Lines of the log, by this test alone.
struct LogLines {
  std::vector<std::string> lines;
  LogLines() {
    log::set_output([this](log::Level, std::string_view line) { lines.emplace_back(line); });
  }
  LogLines(const LogLines&) = delete;
  LogLines& operator=(const LogLines&) = delete;
  ~LogLines() { log::set_output({}); }
};

TEST(Exchange, LogsEachForItsOwnUser) {
  ExchangeBench bench;
  LogLines log;
  const auto metric = service_root + "node_up_count";
  auto waits = bench.begin(ExchangeBench::asking(metric, {{"Authorization", "Bearer t"}}, distant));
  (void)bench.get(metric);
  bench.release();
  bench.run_until([&] { return waits->response.has_value(); });
  ASSERT_EQ(log.lines.size(), 2U);
  EXPECT_TRUE(log.lines[0].starts_with("127.0.0.1 - GET " + metric)) << log.lines[0];
  EXPECT_TRUE(log.lines[1].starts_with("192.0.2.1 sa GET " + metric)) << log.lines[1];
}

TEST(Exchange, GetsTheClustersDocumentOnlyForATargetThatCanBeRead) {
  ExchangeBench bench;
  bench.api.forward(bench.documents);
  auto waits = bench.begin(ExchangeBench::asking("/apis", {}, neighbour));
  EXPECT_EQ(bench.get("/apis?x=%zz").status, 400);
  EXPECT_EQ(bench.get("/healthz").status, 200);
  bench.release();
  bench.run_until([&] { return waits->response.has_value(); });
  EXPECT_EQ(*waits->response->body, "the cluster's own");
  EXPECT_EQ(*bench.get("/apis").body, "the cluster's own") << "kept";
  EXPECT_TRUE(bench.own_metrics().contains(counted_as("discovery", 200, 2)));
}

}  // namespace
}  // namespace fluxmetrics::api
