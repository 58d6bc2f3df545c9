#include "kube/informer.hpp"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "kube/api_server.hpp"

namespace fluxmetrics::kube {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using Then = Answer::Then;

json::object thing(const std::string& name, int version, const std::string& uid = "u") {
  return {{"metadata",
           {{"namespace", "n"}, {"name", name}, {"uid", uid}, {"resourceVersion", std::to_string(version)}}}};
}

std::string event(const char* type, const json::object& object) {
  return json::serialize(json::object{{"type", type}, {"object", object}});
}

std::string bookmark(int version) {
  return event("BOOKMARK", {{"metadata", {{"resourceVersion", std::to_string(version)}}}});
}

std::string query_value(const Asked& asked, const std::string& key) {
  return std::string(http::parse_target(asked.target).value().query_value(key).value_or("none"));
}

// Writes down what it is told: "+a@7" for an object at its version, "-a", "synced", "failed: why".
class Recorder : public InformerHandler {
 public:
  void changed(const json::object& object) override {
    told.push_back("+" + std::string(object.at("metadata").at("name").as_string()) + "@" +
                   version_of(object));
  }
  void deleted(const ObjectKey& key) override {
    EXPECT_EQ(key.name_space, "n");
    told.push_back("-" + key.name);
  }
  void synced() override { told.emplace_back("synced"); }
  void failed(const Error& trouble) override {
    told.push_back("failed");
    troubles.push_back(trouble);
  }
  std::vector<std::string> told;
  std::vector<Error> troubles;
};

using Told = std::vector<std::string>;

// A collection of things: lists them, and keeps a watch of them open.
struct InformerBench {
  asio::io_context io;
  ApiServer server{io};
  std::map<std::string, json::object> things;
  int version = 10;
  std::optional<Answer> list_answer;   // instead of a list
  std::optional<Answer> watch_answer;  // instead of a watch
  int lists = 0;
  std::vector<std::string> watched_from;
  Now now = Now::read();
  std::chrono::seconds each_reading{0};  // what the clock goes on by
  RestClient client{io.get_executor(), server.access()};
  Recorder recorder;
  Informer informer;

  explicit InformerBench(InformerTimings timings = quick())
      : informer(
            client, recorder, timings,
            [this] {
              now.mono += each_reading;
              return now;
            },
            [] { return 0.5; }) {
    informer.follow({.path = "/things", .what = "the things", .kind = "things"});
    server.answer = [this](const Asked& asked) { return answer(asked); };
  }

  // Pauses of a millisecond, and no waiting for the real ones.
  static InformerTimings quick() {
    return {.between_lists = Seconds(0.001), .pauses = {.first = Seconds(0.001), .longest = Seconds(0.004)}};
  }

  Answer answer(const Asked& asked) {
    if (query_value(asked, "watch") == "true") {
      watched_from.push_back(query_value(asked, "resourceVersion"));
      return watch_answer ? *watch_answer : Answer{.then = Then::watch};
    }
    ++lists;
    if (list_answer) return *list_answer;
    const auto limit = std::stoul(query_value(asked, "limit"));
    const auto more = query_value(asked, "continue");
    const auto from = more == "none" ? 0 : std::stoul(more);
    json::array items;
    std::size_t at = 0;
    for (const auto& [name, object] : things) {
      if (at >= from && (limit == 0 || at < from + limit)) items.push_back(object);
      ++at;
    }
    json::object metadata = {{"resourceVersion", std::to_string(version)}};
    if (limit != 0 && from + limit < things.size()) metadata["continue"] = std::to_string(from + limit);
    return {.body = json::serialize(json::object{{"metadata", metadata}, {"items", items}})};
  }
  void start() {
    asio::co_spawn(io, informer.run(), [](const std::exception_ptr& fault) { EXPECT_FALSE(fault); });
  }
  void expect(const Told& wanted) {
    (void)run_until(io, [&] { return recorder.told.size() >= wanted.size(); });
    EXPECT_EQ(recorder.told, wanted);
    recorder.told.clear();
  }
  void expect_watch() {
    EXPECT_TRUE(run_until(io, [&] { return server.watches() == 1; }));
  }
};

TEST(Informer, TellsTheObjectsOfAListAndThenEachEvent) {
  InformerBench bench;
  bench.things = {{"a", thing("a", 1)}, {"b", thing("b", 2)}};
  EXPECT_FALSE(bench.informer.synced());
  bench.start();
  bench.expect({"+a@1", "+b@2", "synced"});
  EXPECT_TRUE(bench.informer.synced());
  bench.expect_watch();
  EXPECT_EQ(bench.watched_from, (Told{"10"}));
  bench.server.tell(event("MODIFIED", thing("a", 11)));
  bench.server.tell(event("ADDED", thing("c", 12)));
  bench.server.tell(event("DELETED", thing("b", 13)));
  bench.server.tell(event("DELETED", thing("never seen", 14)));
  bench.server.tell(event("MODIFIED", thing("c", 15)));
  bench.expect({"+a@11", "+c@12", "-b", "+c@15"});
  EXPECT_EQ(bench.lists, 1);
}

TEST(Informer, ReadsAListByPages) {
  auto timings = InformerBench::quick();
  timings.page = 3;
  InformerBench bench(timings);
  Told wanted;
  for (const std::string name : {"a", "b", "c", "d", "e", "f", "g"}) {
    bench.things[name] = thing(name, 1);
    wanted.push_back("+" + name + "@1");
  }
  wanted.emplace_back("synced");
  bench.start();
  bench.expect(wanted);
  EXPECT_EQ(bench.lists, 3);
}

TEST(Informer, ReadsTheListWholeWhenAPageCameTooLate) {
  auto timings = InformerBench::quick();
  timings.page = 2;
  InformerBench bench(timings);
  for (const std::string name : {"a", "b", "c"})
    bench.things[name] = thing(name, 1);
  bench.server.answer = [&](const Asked& asked) {
    if (query_value(asked, "continue") != "none") return Answer{.status = 410};
    return bench.answer(asked);
  };
  bench.start();
  bench.expect({"+a@1", "+b@1", "+a@1", "+b@1", "+c@1", "synced"});
  EXPECT_TRUE(bench.recorder.troubles.empty());
}

TEST(Informer, GoesOnWatchingFromWhereTheLastWatchEnded) {
  InformerBench bench;
  bench.things = {{"a", thing("a", 1)}};
  bench.start();
  bench.expect({"+a@1", "synced"});
  bench.expect_watch();
  bench.server.tell(event("MODIFIED", thing("a", 20)));
  bench.expect({"+a@20"});
  bench.server.end_watches();
  bench.expect_watch();
  bench.server.tell(bookmark(30));
  bench.server.end_watches();
  bench.expect_watch();
  bench.server.tell(bookmark(40));
  bench.server.break_watches();
  bench.expect_watch();
  EXPECT_EQ(bench.watched_from, (Told{"10", "20", "30", "40"}));
  EXPECT_EQ(bench.lists, 1);
  EXPECT_TRUE(bench.recorder.told.empty()) << "a bookmark tells nothing";
  EXPECT_TRUE(bench.recorder.troubles.empty());
}

TEST(Informer, ListsAgainWhenItsVersionIsTooOld) {
  for (const bool by_event : {true, false}) {
    InformerBench bench;
    bench.things = {{"a", thing("a", 1)}, {"b", thing("b", 1)}, {"c", thing("c", 1, "first")}};
    bench.start();
    bench.expect({"+a@1", "+b@1", "+c@1", "synced"});
    bench.expect_watch();
    // Meanwhile, unseen: b has gone, c was made anew, d has come.
    bench.things = {{"a", thing("a", 1)}, {"c", thing("c", 31, "second")}, {"d", thing("d", 32)}};
    bench.version = 40;
    if (by_event) {
      bench.server.tell(R"({"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}})");
      bench.server.end_watches();
    } else {
      bench.watch_answer = Answer{.status = 410};
      bench.server.end_watches();
      EXPECT_TRUE(run_until(bench.io, [&] { return bench.lists == 2; }));
      bench.watch_answer.reset();
    }
    bench.expect({"+a@1", "-c", "+c@31", "+d@32", "-b", "synced"});
    bench.expect_watch();
    EXPECT_EQ(bench.watched_from.back(), "40");
    EXPECT_TRUE(bench.recorder.troubles.empty()) << "nothing is wrong";
  }
}

TEST(Informer, ListsAgainWhenAWatchCannotBegin) {
  InformerBench bench;
  bench.things = {{"a", thing("a", 1)}, {"b", thing("b", 1)}};
  bench.start();
  bench.expect({"+a@1", "+b@1", "synced"});
  bench.expect_watch();
  bench.watch_answer = Answer{.then = Then::hang_up};
  bench.list_answer = Answer{.status = 403, .body = R"({"message":"you may not"})"};
  bench.server.break_watches();
  bench.expect({"failed"});
  EXPECT_FALSE(bench.informer.synced());
  EXPECT_EQ(bench.recorder.troubles.front().code, Code::denied);
  EXPECT_EQ(bench.recorder.troubles.front().message, "you may not (403)");
  bench.watch_answer.reset();
  bench.things.erase("a");
  EXPECT_TRUE(run_until(bench.io, [&] { return bench.recorder.told.size() >= 2; }))
      << "it tries again and again";
  bench.recorder.told.clear();
  bench.list_answer.reset();
  EXPECT_TRUE(run_until(bench.io, [&] { return bench.informer.synced(); }));
  std::erase(bench.recorder.told, "failed");
  bench.expect({"+b@1", "-a", "synced"});
}

TEST(Informer, ListsAgainAfterAnEventThatCannotBeRead) {
  InformerBench bench;
  bench.start();
  bench.expect({"synced"});
  bench.expect_watch();
  bench.things = {{"a", thing("a", 11)}};
  bench.server.tell("{garbage");
  bench.expect({"+a@11", "synced"});
}

TEST(Informer, PollsWhereItMayNotWatch) {
  InformerBench bench;
  bench.watch_answer = Answer{.status = 403};
  bench.start();
  EXPECT_TRUE(run_until(bench.io, [&] { return bench.lists >= 3; }));
  EXPECT_TRUE(bench.recorder.troubles.empty());
}

TEST(Informer, TellsWhatIsNoList) {
  for (const char* body : {"", "[]", "{}", R"({"items":{}})"}) {
    InformerBench bench;
    bench.list_answer = Answer{.body = body};
    bench.start();
    bench.expect({"failed"});
    EXPECT_EQ(bench.recorder.troubles.front().code, Code::protocol) << body;
    EXPECT_EQ(bench.recorder.troubles.front().message, "the API server's answer is not a list of things");
  }
}

// One round after the other by hand, and how long each took.
struct Rounds : InformerBench {
  using InformerBench::InformerBench;
  double milliseconds() {
    const auto begin = std::chrono::steady_clock::now();
    finish(io, round());
    return Seconds(std::chrono::steady_clock::now() - begin).count() * 1000;
  }
  asio::awaitable<int> round() {
    co_await informer.round();
    co_return 0;
  }
};

TEST(Informer, RestsLongerAfterEachErrorAndAddsAChance) {
  Rounds bench({.pauses = {.first = Seconds(0.05), .longest = Seconds(0.1), .growth = 2, .jitter = 1}});
  bench.list_answer = Answer{.status = 404};
  EXPECT_GE(bench.milliseconds(), 75) << "half of the jitter's whole";
  EXPECT_GE(bench.milliseconds(), 150);
  EXPECT_GE(bench.milliseconds(), 150);
  EXPECT_EQ(bench.lists, 3);
}

TEST(Informer, RestsAfterAWatchThatEndsAtOnceAndToldNothing) {
  Rounds bench({.pauses = {.first = Seconds(0.2), .longest = Seconds(30), .growth = 100}});
  bench.things = {{"a", thing("a", 1)}};
  std::string told;
  bench.server.answer = [&](const Asked& asked) {
    const auto answer = bench.answer(asked);
    if (answer.then == Then::watch) {
      asio::post(bench.io, [&] {
        if (!told.empty()) bench.server.tell(told);
        bench.server.end_watches();
      });
    }
    return answer;
  };
  EXPECT_GE(bench.milliseconds(), 200);
  // Otherwise it would rest for 20 seconds now.
  bench.each_reading = std::chrono::seconds(1);
  EXPECT_LT(bench.milliseconds(), 15000) << "a watch that lasted";
  bench.each_reading = std::chrono::seconds(0);
  told = event("MODIFIED", thing("a", 11));
  EXPECT_LT(bench.milliseconds(), 15000) << "a watch that told something";
  EXPECT_EQ(bench.lists, 1);
  told.clear();
  EXPECT_GE(bench.milliseconds(), 200) << "from the shortest pause on";
}

TEST(Informer, TellsThatTheObjectsOfAFormerCollectionAreGone) {
  Rounds bench(InformerBench::quick());
  bench.watch_answer = Answer{.status = 403};
  bench.things = {{"a", thing("a", 1)}};
  bench.milliseconds();
  bench.informer.follow({.path = "/things", .what = "the things", .kind = "things"});
  bench.things = {{"b", thing("b", 2)}};
  bench.informer.follow({.path = "/things?labelSelector=x", .what = "some things", .kind = "things"});
  bench.milliseconds();
  bench.expect({"+a@1", "synced", "+b@2", "-a", "synced"});
  EXPECT_TRUE(bench.server.asked.back().target.starts_with("/things?labelSelector=x&watch=true&"));
}

}  // namespace
}  // namespace fluxmetrics::kube
