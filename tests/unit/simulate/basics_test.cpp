// The small parts: timers, base64, traces, options, jobspecs.
#include "bench.hpp"
#include "simulate/base64.hpp"
#include "simulate/trace.hpp"

namespace fluxmetrics::simulate::test {
namespace {

TEST(TimerQueue, RunsWhatIsDueInOrderAtItsTime) {
  TimerQueue timers(100);
  std::vector<std::pair<Time, int>> ran;
  const auto note = [&](int what) { return [&, what] { ran.emplace_back(timers.now(), what); }; };
  timers.after(2, note(1));
  timers.after(1, note(2));
  timers.after(1, note(3));
  const TimerQueue::Id dropped = timers.after(1.5, note(4));
  timers.cancel(dropped);
  timers.cancel(dropped);
  timers.after(-5, note(5));
  EXPECT_EQ(timers.next_due(), 100);
  timers.advance(101.5);
  EXPECT_EQ(ran, (std::vector<std::pair<Time, int>>{{100.0, 5}, {101.0, 2}, {101.0, 3}}));
  EXPECT_EQ(timers.now(), 101.5);
  timers.advance(50);
  EXPECT_EQ(timers.now(), 101.5) << "time never runs backwards";
  EXPECT_EQ(timers.next_due(), 102);
}

TEST(TimerQueue, WhatTimersStartIsRunInTheSameAdvance) {
  TimerQueue timers(0);
  int beats = 0;
  std::function<void()> beat = [&] {
    ++beats;
    timers.after(2, beat);
  };
  timers.after(2, beat);
  timers.advance(9);
  EXPECT_EQ(beats, 4);
}

TEST(Base64, IsItsOwnInverse) {
  for (const std::string text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    EXPECT_EQ(decode_base64(encode_base64(text)), text);
  }
  EXPECT_EQ(encode_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode_base64("fo"), "Zm8=");
  const std::string bytes("\0\xff\x80", 3);
  EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
  for (const std::string text : {"Z", "Zm9", "Zm9v!", "====", "Zm=v"})
    EXPECT_FALSE(decode_base64(text)) << text;
}

TEST(Jobs, AreWrappedAsFluxWrapsThem) {
  const json::value recorded = capture("15-sizes.job-ingest.submit.ok");
  const std::string J(recorded.at("request").at("J").as_string());
  const auto unwrapped = unwrap_unsigned(J);
  ASSERT_TRUE(unwrapped);
  EXPECT_EQ(unwrapped->userid, 0U);
  EXPECT_EQ(wrap_unsigned(0, unwrapped->jobspec), J);
  EXPECT_EQ(unwrap_unsigned(wrap_unsigned(1000, "{}"))->userid, 1000U);
  for (const std::string text : {"", "xxx", "a.b.c", "e30=.e30=.none", ".e30=.none"})
    EXPECT_FALSE(unwrap_unsigned(text)) << text;
}

json::value shape_of(const JobRequest& request) {
  return make_jobspec(request)->at("resources").at(0);
}

TEST(Jobs, GetTheJobspecsThatFluxSubmitWrites) {
  // -N4: whole nodes, one slot each.
  EXPECT_EQ(shape_of({.nodes = 4}),
            json::parse(R"({"type":"node","count":4,"exclusive":true,"with":[{"type":"slot","count":1,
                            "with":[{"type":"core","count":1}],"label":"task"}]})"));
  // -N3 -n7: three slots a node, seven tasks.
  const JobRequest seven{.nodes = 3, .slots = 7};
  EXPECT_EQ(shape_of(seven).at("with").at(0).at("count"), 3);
  EXPECT_FALSE(shape_of(seven).as_object().contains("exclusive"));
  EXPECT_EQ(make_jobspec(seven)->at("tasks").at(0).at("count"), json::value({{"total", 7}}));
  // -n10 -c2 -g1: slots anywhere.
  EXPECT_EQ(shape_of({.slots = 10, .cores = 2, .gpus = 1}),
            json::parse(R"({"type":"slot","count":10,"label":"task","with":[{"type":"core","count":2},
                            {"type":"gpu","count":1}]})"));
  EXPECT_FALSE(make_jobspec({.nodes = 4, .slots = 3}));
  EXPECT_FALSE(make_jobspec({.slots = 3, .exclusive = true}));
  EXPECT_FALSE(make_jobspec({}));
}

TEST(Trace, IsReadInTheOrderOfTime) {
  const auto jobs = parse_trace(
      "{\"t\": 5, \"nodes\": 2, \"slots\": 4, \"cores\": 2, \"gpus\": 1, \"exclusive\": true, \"duration\": "
      "1.5, "
      "\"queue\": \"q\", \"urgency\": 31}\n\n  \n{\"t\": 0, \"slots\": 1, \"nodes\": null}\r\n",
      "jobs.jsonl");
  ASSERT_TRUE(jobs) << jobs.error().message;
  ASSERT_EQ(jobs->size(), 2U);
  EXPECT_EQ((*jobs)[0], (TraceJob{.t = 0, .request = {.slots = 1}}));
  EXPECT_EQ((*jobs)[1], (TraceJob{.t = 5,
                                  .request = {.nodes = 2,
                                              .slots = 4,
                                              .cores = 2,
                                              .gpus = 1,
                                              .exclusive = true,
                                              .duration = 1.5,
                                              .queue = "q",
                                              .urgency = 31}}));
  EXPECT_TRUE(parse_trace("", "empty")->empty());
}

TEST(Trace, ErrorsNameLineAndField) {
  const auto error = [](std::string_view line) {
    const auto jobs = parse_trace("{\"t\":0,\"slots\":1}\n" + std::string(line), "f.jsonl");
    return jobs ? std::string("no error") : jobs.error().message;
  };
  EXPECT_TRUE(contains(error("{"), "f.jsonl, line 2: is not JSON"));
  EXPECT_TRUE(contains(error("[]"), "line 2: is not a JSON object"));
  EXPECT_TRUE(contains(error(R"({"t":1,"nodes":"2"})"), "line 2: field 'nodes' is not a whole number"));
  EXPECT_TRUE(contains(error(R"({"t":1,"nodes":1.5})"), "field 'nodes' is not a whole number"));
  EXPECT_TRUE(contains(error(R"({"t":1,"nodes":0})"), "field 'nodes' is 0"));
  EXPECT_TRUE(contains(error(R"({"t":1,"nodes":18446744073709551615})"), "field 'nodes'"));
  EXPECT_TRUE(contains(error(R"({"t":-1,"nodes":1})"), "field 't' is below 0"));
  EXPECT_TRUE(contains(error(R"({"t":1,"nodes":1,"urgency":32})"), "field 'urgency'"));
  EXPECT_TRUE(contains(error(R"({"t":1,"nodes":1,"colour":1})"), "field 'colour' is unknown"));
  EXPECT_TRUE(contains(error(R"({"t":1,"nodes":1,"queue":1})"), "field 'queue' is not a string"));
  EXPECT_TRUE(contains(error(R"({"t":1,"nodes":1,"exclusive":1})"), "field 'exclusive'"));
  EXPECT_TRUE(contains(error(R"({"nodes":1})"), "field 't' is missing"));
  EXPECT_TRUE(contains(error(R"({"t":1})"), "neither field 'nodes' nor field 'slots'"));
  EXPECT_TRUE(
      contains(error(R"({"t":1,"slots":1,"exclusive":true})"), "field 'exclusive' needs field 'nodes'"));
  EXPECT_TRUE(contains(error(R"({"t":1,"nodes":4,"slots":2})"), "2 slots cannot be spread over 4 nodes"));
  EXPECT_TRUE(contains(read_trace("/no/such/file").error().message, "/no/such/file"));
  EXPECT_EQ(read_trace("/").error().code, Code::io);
}

TEST(Options, AreChecked) {
  const auto error = [](const Options& options) {
    const auto checked = check(options);
    return checked ? std::string("no error") : checked.error().message;
  };
  EXPECT_EQ(error({}), "no error");
  EXPECT_TRUE(contains(error({.size = 5, .max_size = 4}), "the size 5 is above the maximum size 4"));
  EXPECT_TRUE(contains(error({.size = 0}), "the size is 0"));
  EXPECT_TRUE(contains(error({.size = 1, .max_size = 0}), "maximum size is 0"));
  EXPECT_TRUE(contains(error({.max_size = 4000000000U}), "maximum size"));
  EXPECT_TRUE(contains(error({.cores = 0}), "0 cores"));
  EXPECT_TRUE(contains(error({.speed = 0}), "speed"));
  EXPECT_TRUE(contains(error({.queues = {{.name = "a"}, {.name = "a"}}}), "'a' is given twice"));
  EXPECT_TRUE(contains(error({.queues = {{.name = "a", .ranks = flux::IdSet{9}}}}), "names rank 9"));
  EXPECT_TRUE(contains(error({.trace = {{.t = 0, .request = {.slots = 1, .queue = "x"}}}}), "queue 'x'"));
  EXPECT_TRUE(
      contains(error({.queues = {{.name = "a"}}, .trace = {{.t = 0, .request = {.slots = 1}}}}), "queue ''"));
}

TEST(Options, QueuesHaveAName) {
  EXPECT_EQ(parse_queue("debug=2-3")->ranks, flux::IdSet::range(2, 3));
  EXPECT_FALSE(parse_queue("batch")->ranks);
  for (const std::string text : {"", "=1", "a b", "x=1-", "x="}) {
    const auto queue = parse_queue(text);
    EXPECT_TRUE(!queue || queue->ranks->empty()) << text;
  }
}

}  // namespace
}  // namespace fluxmetrics::simulate::test
