#include "metrics/prometheus.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include "api/bench.hpp"
#include "api/gzip.hpp"
#include "api/prometheus_endpoint.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::api {
namespace {

using metrics::ExpositionFormat;
using support::InstanceBuilder;

constexpr const char* of_prometheus =
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

// What a gzip reader makes of `bytes`: "" when it does not accept them to the last one.
std::string unzip(const std::string& bytes) {
  std::string text;
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return text;
  std::string in = bytes;
  stream.next_in = reinterpret_cast<unsigned char*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  int done = Z_OK;
  while (done == Z_OK) {
    std::array<char, 4096> piece{};
    stream.next_out = reinterpret_cast<unsigned char*>(piece.data());
    stream.avail_out = piece.size();
    done = inflate(&stream, Z_NO_FLUSH);
    text.append(piece.data(), piece.size() - stream.avail_out);
  }
  const bool whole = done == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  return whole ? text : "";
}

class Prometheus : public ::testing::Test {
 protected:
  void SetUp() override { publish(InstanceBuilder(6).online("0-3").pending(support::whole_nodes(5))); }
  void publish(const instance::InstanceState& state, Seconds age = Seconds(0)) {
    const auto then = std::chrono::steady_clock::now() - std::chrono::duration_cast<MonoTime::duration>(age);
    publisher_.on_state(std::make_shared<const instance::InstanceState>(state),
                        {.wall = Bench::noon(), .mono = then});
  }
  [[nodiscard]] static bool has(const http::Response& response, std::string_view text) {
    return response.body->find(text) != std::string::npos;
  }

  Bench bench_{{.max_staleness = Seconds(30)}};
  metrics::Publisher publisher_{{}, false, bench_.store};
};

TEST(Gzip, JoinsPartsToOneText) {
  const std::string large(100'000, 'x');
  for (const auto& first : {std::string(), std::string("a"), large}) {
    for (const auto& second : {std::string(), std::string("b\n"), large}) {
      const auto one = deflate_part(first);
      const auto two = deflate_part(second);
      EXPECT_EQ(unzip(join_gzip({&one, &two})), first + second);
    }
  }
}

TEST(ExpositionFormat, FollowsTheClientsPreference) {
  const auto of = [](const char* accept) { return exposition_format({{"Accept", accept}}); };
  EXPECT_EQ(exposition_format({}), ExpositionFormat::text);
  EXPECT_EQ(of(of_prometheus), ExpositionFormat::openmetrics);
  EXPECT_EQ(of("*/*"), ExpositionFormat::text);
  EXPECT_EQ(of("text/html,application/xhtml+xml,*/*;q=0.8"), ExpositionFormat::text);
  EXPECT_EQ(of("text/plain;version=0.0.4;q=0.9, application/openmetrics-text;q=0.5"), ExpositionFormat::text);
  EXPECT_EQ(of("application/openmetrics-text;q=0, */*"), ExpositionFormat::text);
  EXPECT_EQ(of("application/openmetrics-text; version=0.0.1"), ExpositionFormat::text);
  EXPECT_EQ(of("application/json"), ExpositionFormat::text);
}

TEST_F(Prometheus, AnswersInBothFormats) {
  const auto text = bench_.get("/metrics");
  EXPECT_EQ(text.status, 200);
  EXPECT_EQ(text.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_TRUE(has(text, "flux_nodes_wanted 5\n"));
  EXPECT_TRUE(has(text, "flux_metrics_up 1\n"));
  EXPECT_FALSE(has(text, "# EOF"));
  const auto open = bench_.get("/metrics/", {{"Accept", of_prometheus}});
  EXPECT_EQ(open.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_TRUE(open.body->ends_with("# EOF\n"));
  EXPECT_TRUE(has(open, "# TYPE flux_jobs_finished counter\n"));
  EXPECT_EQ(header_of(open, "Vary"), "Accept, Accept-Encoding");
}

TEST_F(Prometheus, CompressesForThoseWhoWantIt) {
  const auto plain = bench_.get("/metrics?name[]=flux_nodes");
  EXPECT_EQ(header_of(plain, "Content-Encoding"), "absent");
  const auto small = bench_.get("/metrics?name[]=flux_nodes", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(header_of(small, "Content-Encoding"), "gzip");
  EXPECT_EQ(unzip(*small.body), *plain.body);
  for (int again = 0; again < 2; ++again) {
    const auto whole = unzip(*bench_.get("/metrics", {{"Accept-Encoding", "br, gzip;q=0.3"}}).body);
    EXPECT_NE(whole.find("flux_nodes_wanted 5\n"), std::string::npos);
    EXPECT_NE(whole.find("process_resident_memory_bytes"), std::string::npos);
  }
  EXPECT_EQ(header_of(bench_.get("/metrics", {{"Accept-Encoding", "gzip;q=0"}}), "Content-Encoding"),
            "absent");
}

TEST_F(Prometheus, GivesTheFamiliesThatWereNamed) {
  const auto some = bench_.get("/metrics?name[]=flux_nodes_wanted&name%5B%5D=flux_metrics_up");
  EXPECT_TRUE(some.body->starts_with("# HELP flux_nodes_wanted "));
  EXPECT_TRUE(some.body->ends_with("\nflux_metrics_up 1\n"));
  EXPECT_EQ(std::ranges::count(*some.body, '\n'), 6);
  EXPECT_EQ(*bench_.get("/metrics?name[]=nothing").body, "");
  EXPECT_EQ(*bench_.get("/metrics?name[]=nothing", {{"Accept", of_prometheus}}).body, "# EOF\n");
  const auto histogram = bench_.get("/metrics?name[]=flux_job_wait_seconds_bucket");
  EXPECT_TRUE(has(histogram, "flux_job_wait_seconds_sum{queue=\"\"} 0\n"));
}

TEST_F(Prometheus, EncodesEachSnapshot) {
  EXPECT_TRUE(has(bench_.get("/metrics"), "flux_node_counts{state=\"up\"} 4\n"));
  publish(InstanceBuilder(6).online("0-1"));
  EXPECT_TRUE(has(bench_.get("/metrics"), "flux_node_counts{state=\"up\"} 2\n"));
  EXPECT_TRUE(has(bench_.get("/metrics", {{"Accept", of_prometheus}}), "flux_node_counts{state=\"up\"} 2\n"));
}

TEST_F(Prometheus, ShowsNoValueThatIsTooOld) {
  publish(InstanceBuilder(6).online("0-3"), Seconds(60));
  bench_.store.set_trouble("it says nothing", instance::Trouble::Kind::silent);
  const auto old = bench_.get("/metrics");
  EXPECT_EQ(old.status, 200);
  EXPECT_FALSE(has(old, "flux_nodes"));
  EXPECT_TRUE(has(old, "flux_metrics_up 0\n"));
  EXPECT_TRUE(has(old, "flux_metrics_instance_state{state=\"silent\"} 1\n"));
  EXPECT_TRUE(has(old, "flux_metrics_instance_state{state=\"running\"} 0\n"));
  EXPECT_TRUE(has(old, "flux_metrics_snapshot_age_seconds 6"));
  EXPECT_TRUE(bench_.get("/metrics", {{"Accept", of_prometheus}}).body->ends_with("# EOF\n"));
}

TEST_F(Prometheus, CountsRequestsByWhereTheyWent) {
  for (int i = 0; i < 3; ++i)
    (void)bench_.get(service_root + "node_up_count");
  (void)bench_.get(service_root + "no_such_metric");
  (void)bench_.get("/readyz/flux");
  (void)bench_.get("/nonsense");
  const auto text = bench_.get("/metrics");
  EXPECT_TRUE(has(text, "flux_metrics_http_requests_total{route=\"metric\",code=\"200\"} 3\n"));
  EXPECT_TRUE(has(text, "flux_metrics_http_requests_total{route=\"metric\",code=\"404\"} 1\n"));
  EXPECT_TRUE(has(text, "flux_metrics_http_requests_total{route=\"health\",code=\"200\"} 1\n"));
  EXPECT_TRUE(has(text, "flux_metrics_http_requests_total{route=\"other\",code=\"404\"} 1\n"));
  EXPECT_TRUE(has(text, "flux_metrics_http_request_duration_seconds_count 6\n"));
  EXPECT_TRUE(
      has(bench_.get("/metrics"), "flux_metrics_http_requests_total{route=\"prometheus\",code=\"200\"} 1\n"));
}

TEST_F(Prometheus, TellsHowLongTheBrokerTook) {
  instance::RpcTimes times;
  times.ran("resource.status", Seconds(0.002), false);
  times.ran("resource.status", Seconds(5), true);
  bench_.store.set_rpc_times(times.read());
  const auto text = bench_.get("/metrics");
  EXPECT_TRUE(
      has(text, "flux_metrics_rpc_duration_seconds_bucket{topic=\"resource.status\",le=\"0.003\"} 1\n"));
  EXPECT_TRUE(has(text, "flux_metrics_rpc_duration_seconds_count{topic=\"resource.status\"} 2\n"));
  EXPECT_TRUE(has(text, "flux_metrics_rpc_errors_total{topic=\"resource.status\"} 1\n"));
}

TEST_F(Prometheus, OnlyReads) {
  EXPECT_EQ(bench_.get("/metrics", {}, "POST").status, 405);
  EXPECT_EQ(bench_.get("/metrics", {}, "HEAD").status, 200);
  EXPECT_EQ(bench_.get("/metrics/more").status, 404);
}

TEST(Exporter, ServesNothingOfKubernetes) {
  Bench bench({.prometheus_only = true});
  bench.publish();
  EXPECT_EQ(bench.get("/metrics").status, 200);
  EXPECT_EQ(bench.get("/readyz/flux").status, 200);
  for (const auto& path : {std::string("/apis"), service_root + "node_up_count", std::string("/version")})
    EXPECT_EQ(bench.get(path).status, 404) << path;
  EXPECT_EQ(bench.get("/").body->find("/apis"), std::string::npos);
}

TEST(OwnMetrics, NamesFollowTheConventions) {
  for (const auto& family : OwnMetrics::families()) {
    EXPECT_FALSE(family.name.ends_with("_count")) << family.name;
    EXPECT_EQ(family.name.ends_with("_total"), family.type == metrics::ExposedType::counter) << family.name;
    EXPECT_TRUE(family.help.ends_with(".")) << family.name;
    for (const auto& other : metrics::instance_families())
      EXPECT_NE(family.name, other.name);
  }
}

}  // namespace
}  // namespace fluxmetrics::api
