#include "access/authentication_watcher.hpp"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "kube/api_server.hpp"

namespace fluxmetrics::access {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using kube::run_until;

// The ConfigMap holds no authority here: what counts is when it is read.
json::object config_map(int version) {
  return {{"metadata",
           {{"namespace", "kube-system"},
            {"name", "extension-apiserver-authentication"},
            {"resourceVersion", std::to_string(version)}}},
          {"data", {{"note", std::to_string(version)}}}};
}

struct WatcherBench {
  asio::io_context io;
  kube::ApiServer server{io};
  json::array maps = {config_map(1)};
  int status = 200;
  int watch_status = 200;
  AuthenticationState state;
  Now now = Now::read();
  kube::RestClient client{io.get_executor(), server.access()};
  AuthenticationWatcher watcher{client, state, [this] { return now; }};

  WatcherBench() {
    server.answer = [this](const kube::Asked& asked) {
      const bool watch = asked.target.contains("watch=true");
      if (status != 200) return kube::Answer{.status = status, .body = R"({"message":"no"})"};
      if (watch && watch_status != 200) return kube::Answer{.status = watch_status};
      if (watch) return kube::Answer{.then = kube::Answer::Then::watch};
      const json::object list = {{"metadata", {{"resourceVersion", "10"}}}, {"items", maps}};
      return kube::Answer{.body = json::serialize(list)};
    };
    asio::co_spawn(io, watcher.run(), [](const std::exception_ptr& fault) { EXPECT_FALSE(fault); });
  }
  void tell(const char* type, const json::object& map) {
    ASSERT_TRUE(run_until(io, [&] { return server.watches() == 1; }));
    server.tell(json::serialize(json::object{{"type", type}, {"object", map}}));
  }
  [[nodiscard]] bool reaches(std::uint64_t generation) {
    return run_until(io, [&] { return state.generation() == generation; });
  }
  [[nodiscard]] bool says(std::string_view part) {
    return run_until(io, [&] { return state.view().trouble.contains(part); });
  }
  int look() { return kube::finish(io, look_now()); }
  asio::awaitable<int> look_now() {
    co_await watcher.look_again();
    co_return 0;
  }
};

TEST(AuthenticationWatcher, PublishesEachChangeOnce) {
  WatcherBench bench;
  EXPECT_TRUE(bench.reaches(1));
  bench.tell("MODIFIED", config_map(11));
  EXPECT_TRUE(bench.reaches(2));
  auto same = config_map(12);
  same["data"] = config_map(11)["data"];
  bench.tell("MODIFIED", same);
  bench.server.end_watches();
  ASSERT_TRUE(run_until(bench.io, [&] { return bench.server.watches() == 1; }))
      << "it has read all of the last";
  EXPECT_EQ(bench.state.generation(), 2U);
  bench.tell("DELETED", config_map(14));
  bench.tell("ADDED", config_map(15));
  EXPECT_TRUE(bench.reaches(3)) << "what a deleted one said stays in use until there is another";
}

TEST(AuthenticationWatcher, SaysWhatIsMissing) {
  WatcherBench bench;
  bench.status = 403;
  EXPECT_TRUE(bench.says("no (403); bind the Role extension-apiserver-authentication-reader"));
  bench.maps.clear();
  bench.status = 200;
  EXPECT_TRUE(bench.says("it does not exist; kube-apiserver creates it"));
  EXPECT_EQ(bench.state.generation(), 0U);
  bench.tell("ADDED", config_map(11));
  EXPECT_TRUE(bench.reaches(1));
  EXPECT_EQ(bench.state.view().trouble, "");
}

TEST(AuthenticationWatcher, LooksAgainWhenAskedAndSharesALook) {
  WatcherBench bench;
  bench.watch_status = 403;
  EXPECT_TRUE(bench.reaches(1));
  bench.maps = {config_map(2)};
  bench.look();
  EXPECT_EQ(bench.state.generation(), 2U) << "long before the next poll";
}

}  // namespace
}  // namespace fluxmetrics::access
