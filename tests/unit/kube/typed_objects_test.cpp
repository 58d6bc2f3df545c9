// Scale, Lease and Event: read, written, and sent as an API server takes them.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "kube/api_server.hpp"
#include "kube/event.hpp"
#include "kube/lease.hpp"
#include "kube/scale.hpp"

namespace fluxmetrics::kube {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr Seconds soon{10};
// 2026-11-30T04:00:00Z
constexpr MicroTime four{std::chrono::sys_days{std::chrono::year(2026) / 11 / 30} + 4h};

struct TypedBench {
  boost::asio::io_context io;
  ApiServer server{io};
  RestClient client{io.get_executor(), server.access()};
  const Asked& last() { return server.asked.back(); }
  // Answers every call with its own body, as of another version, or with a status.
  void echo() {
    server.answer = [](const Asked& asked) {
      auto body = json::parse(asked.body);
      body.at("metadata").as_object()["resourceVersion"] = "8";
      return Answer{.body = json::serialize(body)};
    };
  }
  void refuse(int status) {
    server.answer = [status](const Asked&) { return Answer{.status = status}; };
  }
};

TEST(MicroTime, HasSixDigitsOfASecondAlways) {
  EXPECT_EQ(format_micro_time(four), "2026-11-30T04:00:00.000000Z");
  EXPECT_EQ(format_micro_time(four + 1us), "2026-11-30T04:00:00.000001Z");
  EXPECT_EQ(format_micro_time(four + 999999us), "2026-11-30T04:00:00.999999Z");
  EXPECT_EQ(format_micro_time(four - 1us), "2026-11-30T03:59:59.999999Z");
}

TEST(MicroTime, IsReadBackToTheMicrosecond) {
  for (auto time = four; time < four + 1s; time += 997us) {
    const json::value text(json::string(format_micro_time(time)));
    ASSERT_EQ(read_micro_time(JsonField(&text, "t")), time) << text.as_string();
  }
  const json::value whole("2026-11-30T05:00:00+01:00");
  EXPECT_EQ(read_micro_time(JsonField(&whole, "t")), four) << "as other clients write it";
  const json::value null;
  EXPECT_EQ(read_micro_time(JsonField(&null, "t")), std::nullopt);
  const json::value bad("four o'clock");
  EXPECT_THROW((void)read_micro_time(JsonField(&bad, "t")), ShapeError);
}

const char* const lease_text =
    R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"leader","namespace":"flux",)"
    R"("resourceVersion":"7","labels":{"team":"hpc"}},"spec":{"holderIdentity":"one","leaseDurationSeconds":15,)"
    R"("acquireTime":"2026-11-30T04:00:00.000000Z","renewTime":"2026-11-30T04:00:02.000001Z","leaseTransitions":3,)"
    R"("strategy":"OldestEmulationVersion"}})";

TEST(Lease, IsReadAndWrittenBackWithWhatOthersPutThere) {
  const auto lease = read_lease(json::parse(lease_text));
  ASSERT_TRUE(lease) << lease.error().message;
  EXPECT_EQ(lease->name_space, "flux");
  EXPECT_EQ(lease->name, "leader");
  EXPECT_EQ(lease->resource_version, "7");
  EXPECT_EQ(lease->holder, "one");
  EXPECT_EQ(lease->duration_seconds, 15);
  EXPECT_EQ(lease->acquired, four);
  EXPECT_EQ(lease->renewed, four + 2s + 1us);
  EXPECT_EQ(lease->transitions, 3);
  EXPECT_EQ(json::serialize(to_json(*lease)), lease_text);
  auto released = *lease;
  released.holder.clear();
  released.acquired.reset();
  const auto written = to_json(released);
  EXPECT_FALSE(written.at("spec").as_object().contains("holderIdentity")) << "\"\" would be refused";
  EXPECT_FALSE(written.at("spec").as_object().contains("acquireTime"));
  EXPECT_EQ(written.at("metadata").at("labels").at("team"), "hpc");
}

TEST(Lease, IsWrittenAnew) {
  const Lease lease{.name_space = "flux",
                    .name = "leader",
                    .holder = "one",
                    .duration_seconds = 15,
                    .acquired = four,
                    .renewed = four};
  EXPECT_EQ(
      json::serialize(to_json(lease)),
      R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"leader","namespace":"flux"},)"
      R"("spec":{"holderIdentity":"one","leaseDurationSeconds":15,"acquireTime":"2026-11-30T04:00:00.000000Z",)"
      R"("renewTime":"2026-11-30T04:00:00.000000Z","leaseTransitions":0}})");
}

TEST(Lease, SaysWhatIsWrongWithOne) {
  const auto trouble = [](const char* text) {
    const auto lease = read_lease(json::parse(text));
    EXPECT_FALSE(lease) << text;
    EXPECT_EQ(lease.error().code, Code::protocol);
    return lease.error().message;
  };
  EXPECT_EQ(trouble("[]"), "the Lease cannot be understood: the document is a list, not an object");
  EXPECT_EQ(trouble("{}"), "the Lease cannot be understood: metadata is missing");
  EXPECT_EQ(trouble(R"({"metadata":{"name":"x"},"spec":{"renewTime":"noon"}})"),
            "the Lease cannot be understood: spec.renewTime is 'noon', which is no time");
  EXPECT_TRUE(trouble(R"({"metadata":{"name":"x"},"spec":{"leaseDurationSeconds":"15"}})")
                  .contains("spec.leaseDurationSeconds is a text"));
  EXPECT_EQ(read_lease(json::parse(R"({"metadata":{"name":"x"}})"))->holder, "") << "nobody's yet";
}

TEST(Lease, IsRenewedIfNobodyWasFaster) {
  TypedBench bench;
  bench.echo();
  auto lease = read_lease(json::parse(lease_text)).value();
  lease.renewed = four + 4s;
  const auto renewed = finish(bench.io, update_lease(bench.client, lease, soon));
  ASSERT_TRUE(renewed) << renewed.error().message;
  EXPECT_EQ(bench.last().method, "PUT");
  EXPECT_EQ(bench.last().target, "/apis/coordination.k8s.io/v1/namespaces/flux/leases/leader");
  EXPECT_EQ(bench.last().header("Content-Type"), "application/json");
  EXPECT_EQ(json::parse(bench.last().body).at("metadata").at("resourceVersion"), "7");
  EXPECT_EQ(renewed->resource_version, "8");
  EXPECT_EQ(renewed->renewed, lease.renewed);
  bench.server.asked.clear();
  for (const auto& [status, code] :
       {std::pair(409, Code::conflict), std::pair(404, Code::not_found), std::pair(503, Code::unavailable)}) {
    bench.refuse(status);
    EXPECT_EQ(finish(bench.io, update_lease(bench.client, lease, soon)).error().code, code);
  }
  EXPECT_EQ(bench.server.asked.size(), 3U) << "nothing is repeated";
  lease.resource_version.clear();
  EXPECT_EQ(finish(bench.io, update_lease(bench.client, lease, soon)).error().code, Code::invalid);
  EXPECT_EQ(bench.server.asked.size(), 3U) << "and nothing overwritten unseen";
}

TEST(Lease, IsMadeAndLookedAt) {
  TypedBench bench;
  bench.echo();
  ASSERT_TRUE(finish(bench.io, create_lease(bench.client, {.name_space = "flux", .name = "leader"}, soon)));
  EXPECT_EQ(bench.last().method, "POST");
  EXPECT_EQ(bench.last().target, "/apis/coordination.k8s.io/v1/namespaces/flux/leases");
  bench.refuse(409);
  EXPECT_EQ(finish(bench.io, create_lease(bench.client, {.name_space = "flux", .name = "leader"}, soon))
                .error()
                .code,
            Code::conflict);
  bench.server.answer = [](const Asked&) { return Answer{.body = lease_text}; };
  EXPECT_EQ(finish(bench.io, get_lease(bench.client, "flux", "leader", soon))->holder, "one");
  EXPECT_EQ(bench.last().target, "/apis/coordination.k8s.io/v1/namespaces/flux/leases/leader");
  bench.refuse(404);
  EXPECT_EQ(finish(bench.io, get_lease(bench.client, "flux", "leader", soon)).error().code, Code::not_found);
}

const char* const scale_text =
    R"({"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"flux-sample","namespace":"flux",)"
    R"("resourceVersion":"7"},"spec":{"replicas":4},"status":{"replicas":2,"selector":"job-name=flux-sample"}})";

TEST(Scale, IsReadAndWritten) {
  const auto scale = read_scale(json::parse(scale_text));
  ASSERT_TRUE(scale) << scale.error().message;
  EXPECT_EQ(*scale, (Scale{.name_space = "flux",
                           .name = "flux-sample",
                           .resource_version = "7",
                           .wanted = 4,
                           .current = 2,
                           .selector = "job-name=flux-sample"}));
  EXPECT_EQ(json::serialize(to_json(*scale)), scale_text);
}

TEST(Scale, OfNothingHasNoReplicas) {
  const auto scale =
      read_scale(json::parse(R"({"metadata":{"name":"x"},"spec":{},"status":{"replicas":0}})"));
  ASSERT_TRUE(scale);
  EXPECT_EQ(scale->wanted, 0);
  EXPECT_FALSE(to_json(*scale).at("spec").as_object().contains("replicas"));
  EXPECT_EQ(read_scale(json::parse(R"({"metadata":{"name":"x"}})"))->wanted, 0);
  EXPECT_EQ(read_scale(json::parse(R"({"metadata":{"name":"x"},"spec":{"replicas":1.5}})")).error().message,
            "the Scale cannot be understood: spec.replicas is not a whole number");
}

TEST(Scale, IsPatchedIfItIsStillOfItsVersion) {
  TypedBench bench;
  bench.server.answer = [](const Asked&) { return Answer{.body = scale_text}; };
  const std::string path = "/apis/flux-framework.org/v1alpha2/namespaces/flux/miniclusters/flux-sample";
  const auto seen = finish(bench.io, get_scale(bench.client, path, soon));
  ASSERT_TRUE(seen);
  EXPECT_EQ(bench.last().target, path + "/scale");
  ASSERT_TRUE(finish(bench.io, patch_scale(bench.client, path, seen->resource_version, 4, soon)));
  EXPECT_EQ(bench.last().method, "PATCH");
  EXPECT_EQ(bench.last().target, path + "/scale");
  EXPECT_EQ(bench.last().header("Content-Type"), "application/merge-patch+json");
  EXPECT_EQ(bench.last().body, R"({"metadata":{"resourceVersion":"7"},"spec":{"replicas":4}})");
  bench.server.asked.clear();
  for (const auto& [status, code] : {std::pair(409, Code::conflict), std::pair(404, Code::not_found),
                                     std::pair(403, Code::denied), std::pair(500, Code::unavailable)}) {
    bench.refuse(status);
    EXPECT_EQ(finish(bench.io, patch_scale(bench.client, path, "7", 4, soon)).error().code, code);
  }
  EXPECT_EQ(bench.server.asked.size(), 4U) << "nothing is repeated";
  EXPECT_EQ(finish(bench.io, patch_scale(bench.client, path, "", 4, soon)).error().code, Code::invalid);
  EXPECT_EQ(bench.server.asked.size(), 4U);
}

Event some_event() {
  return {.name_space = "flux",
          .name = event_name("flux-sample", four),
          .regarding = {.api_version = "flux-framework.org/v1alpha2",
                        .kind = "MiniCluster",
                        .name_space = "flux",
                        .name = "flux-sample",
                        .uid = "u-1"},
          .reason = "ScaledUp",
          .action = "Scale",
          .note = "from 2 to 4 nodes: 2 jobs wait",
          .controller = "flux-framework.org/autoscaler",
          .instance = "autoscaler-0",
          .time = four};
}

TEST(Event, IsWrittenAndReadBack) {
  auto event = some_event();
  EXPECT_EQ(event.name, "flux-sample.18ecb6abb49f8000") << "nanoseconds since 1970";
  EXPECT_EQ(
      json::serialize(to_json(event)),
      R"({"kind":"Event","apiVersion":"events.k8s.io/v1","metadata":{"name":")" + event.name +
          R"(","namespace":"flux"},"eventTime":"2026-11-30T04:00:00.000000Z",)"
          R"("reportingController":"flux-framework.org/autoscaler","reportingInstance":"autoscaler-0",)"
          R"("action":"Scale","reason":"ScaledUp","regarding":{"kind":"MiniCluster","namespace":"flux",)"
          R"("name":"flux-sample","uid":"u-1","apiVersion":"flux-framework.org/v1alpha2"},)"
          R"("note":"from 2 to 4 nodes: 2 jobs wait","type":"Normal"})");
  EXPECT_EQ(read_event(to_json(event)).value(), event);
  event.series = EventSeries{.count = 3, .last = four + 60s};
  EXPECT_EQ(read_event(to_json(event)).value(), event);
  EXPECT_EQ(read_event(json::parse(R"({"metadata":{"name":"x"},"regarding":{}})")).error().message,
            "the Event cannot be understood: eventTime is missing");
}

TEST(Event, HasANoteAsLongAsAnApiServerTakes) {
  auto event = some_event();
  const auto written = [&] { return std::string(to_json(event).at("note").as_string()); };
  event.note = std::string(1024, 'x');
  EXPECT_EQ(written(), event.note);
  event.note += 'x';
  EXPECT_EQ(written(), std::string(1021, 'x') + "...");
  event.note = std::string(1020, 'x') + "\u00fc\u00fc\u00fc";
  EXPECT_EQ(written(), std::string(1020, 'x') + "...") << "no half of a letter";
}

TEST(Event, IsMadeOnceAndThenCounted) {
  TypedBench bench;
  bench.echo();
  auto event = some_event();
  const auto made = finish(bench.io, create_event(bench.client, event, soon));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(*made, event);
  EXPECT_EQ(bench.last().method, "POST");
  EXPECT_EQ(bench.last().target, "/apis/events.k8s.io/v1/namespaces/flux/events");
  EXPECT_EQ(finish(bench.io, patch_series(bench.client, event, soon)).error().code, Code::invalid);
  event.series = EventSeries{.count = 2, .last = four + 1s};
  bench.server.answer = [&](const Asked&) { return Answer{.body = json::serialize(to_json(event))}; };
  EXPECT_EQ(finish(bench.io, patch_series(bench.client, event, soon))->series, event.series);
  EXPECT_EQ(bench.last().method, "PATCH");
  EXPECT_EQ(bench.last().target, "/apis/events.k8s.io/v1/namespaces/flux/events/" + event.name);
  EXPECT_EQ(bench.last().header("Content-Type"), "application/merge-patch+json");
  EXPECT_EQ(bench.last().body, R"({"series":{"count":2,"lastObservedTime":"2026-11-30T04:00:01.000000Z"}})");
  bench.refuse(404);
  EXPECT_EQ(finish(bench.io, patch_series(bench.client, event, soon)).error().code, Code::not_found);
}

}  // namespace
}  // namespace fluxmetrics::kube
