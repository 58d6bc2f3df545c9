// Lists of Flux's jobs as workloads: what a real Flux printed, each kind of job, and what is wrong with a
// list.
#include "plan/job_history.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace fluxmetrics::plan {
namespace {

std::string data(const std::string& name) {
  std::ifstream file(std::string(TEST_DATA) + "/flux-jobs/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

Workload parsed(std::string_view text) {
  auto workload = parse_workload(text, "x");
  EXPECT_TRUE(workload) << (workload ? "" : workload.error().message);
  return workload.value_or(Workload{});
}

std::string refusal(std::string_view text) {
  const auto workload = parse_workload(text, "x");
  EXPECT_FALSE(workload) << text;
  return workload ? "" : workload.error().message;
}

TEST(JobHistory, AListOfARealFluxIsReadInBothForms) {
  const auto list = parsed(data("flux-jobs.json"));
  const auto lines = parsed(data("flux-job-list.jsonl"));
  EXPECT_EQ(
      list.remark,
      "3 jobs ended; 1 job still running, taken to run until the limit; 1 job still running without a limit, "
      "taken to end now; 2 jobs waiting, taken to run until the limit; 2 jobs waiting, held or without a "
      "limit, "
      "left out; 1 job ended without having run, left out");
  EXPECT_EQ(lines.remark, list.remark);
  ASSERT_EQ(list.jobs.size(), 7U);
  ASSERT_EQ(lines.jobs.size(), 7U);
  for (std::size_t i = 0; i < list.jobs.size(); ++i) {
    EXPECT_NEAR(list.jobs[i].t, lines.jobs[i].t, 1e-4);
    EXPECT_EQ(list.jobs[i].request.nodes, lines.jobs[i].request.nodes);
    EXPECT_EQ(list.jobs[i].request.cores, lines.jobs[i].request.cores);
  }
  // flux submit -N2 -n4 -t 60s sleep 1: two cores on each of two nodes, for a second.
  const auto& first = list.jobs[0];
  EXPECT_EQ(first.t, 0);
  EXPECT_EQ(first.request.nodes, 2U);
  EXPECT_EQ(first.request.slots, 2U);
  EXPECT_EQ(first.request.cores, 2U);
  EXPECT_GT(first.request.duration, 0.9);
  EXPECT_LT(first.request.duration, 5);
}

TEST(JobHistory, EachKindOfJob) {
  HistoryCounts counts;
  const auto take = [&](const JobHistory& job) { return trace_of(job, 100, 500, counts); };
  const auto ended = take({.submit = 110, .run = 130, .end = 190, .nodes = 2, .cores = 5, .queue = "q"});
  ASSERT_TRUE(ended);
  EXPECT_EQ(*ended,
            (simulate::TraceJob{
                .t = 10, .request = {.nodes = 2, .slots = 2, .cores = 3, .duration = 60, .queue = "q"}}));
  // Submitted, or started, before anybody watched.
  EXPECT_EQ(take({.submit = 50, .run = 90, .end = 190, .cores = 3})->t, 0);
  EXPECT_EQ(take({.submit = 50, .run = 90, .end = 190, .cores = 3})->request.duration, 90);
  EXPECT_EQ(take({.submit = 50, .run = 90, .end = 190, .cores = 3})->request.slots, 3U);
  EXPECT_FALSE(take({.submit = 50, .run = 60, .end = 99, .nodes = 1}));
  EXPECT_EQ(counts.ended, 4U);
  // Running: until its limit, or until now; whole nodes where no cores are told.
  const auto running = take({.submit = 110, .run = 200, .limit = 1000, .nodes = 3});
  EXPECT_EQ(*running,
            (simulate::TraceJob{.t = 10, .request = {.nodes = 3, .exclusive = true, .duration = 1000}}));
  EXPECT_EQ(take({.submit = 110, .run = 200, .nodes = 3})->request.duration, 300);
  EXPECT_EQ(take({.submit = 110, .run = 200, .limit = 5, .nodes = 3})->request.duration, 300)
      << "past its limit";
  EXPECT_EQ(counts.running, 2U);
  EXPECT_EQ(counts.running_so_far, 1U);
  // Waiting.
  EXPECT_EQ(take({.submit = 110, .limit = 7, .tasks = 4})->request.slots, 4U);
  EXPECT_FALSE(take({.submit = 110, .tasks = 4}));
  EXPECT_FALSE(take({.submit = 110, .limit = 7, .held = true, .tasks = 4}));
  EXPECT_FALSE(take({.submit = 110, .end = 120, .tasks = 4})) << "canceled before it ran";
  EXPECT_EQ(counts.waiting, 1U);
  EXPECT_EQ(counts.waiting_left_out, 2U);
  EXPECT_EQ(counts.never_ran, 1U);
  // No time at all is too short for a plan.
  EXPECT_GT(take({.submit = 110, .run = 130, .end = 130, .nodes = 1})->request.duration, 0);
}

TEST(JobHistory, TracesAreReadAsEver) {
  const auto trace = parsed("{\"t\": 1, \"nodes\": 2, \"duration\": 3}\n");
  ASSERT_EQ(trace.jobs.size(), 1U);
  EXPECT_EQ(trace.remark, "");
  EXPECT_EQ(refusal("{\"t\": 1}"), "x, line 1: has neither field 'nodes' nor field 'slots'");
  EXPECT_TRUE(parsed("").jobs.empty());
  EXPECT_TRUE(parsed("{\"jobs\": []}").jobs.empty());
  EXPECT_TRUE(parsed(" [ ] ").jobs.empty());
}

TEST(JobHistory, WhatNeverRanMayHaveNoSize) {
  const std::string ran = R"({"id": 1, "t_submit": 1, "t_run": 2, "t_cleanup": 3, "nnodes": 1})";
  for (const auto& [job, remark] : std::initializer_list<std::pair<std::string, std::string>>{
           {R"({"id": 2, "t_submit": 2, "t_inactive": 3})",
            "1 job ended; 1 job ended without having run, left out"},
           {R"({"id": 2, "t_submit": 2, "nnodes": 0, "ncores": null, "duration": 60})",
            "1 job ended; 1 job waiting, with none of nnodes, ncores and ntasks, left out"},
           {R"({"id": 2, "t_submit": 2})",
            "1 job ended; 1 job waiting, held or without a limit, left out"}}) {
    for (const auto& text : {"{\"jobs\": [" + ran + ", " + job + "]}", ran + "\n" + job + "\n"}) {
      const auto read = parsed(text);
      EXPECT_EQ(read.jobs.size(), 1U) << text;
      EXPECT_EQ(read.remark, remark) << text;
    }
  }
}

TEST(JobHistory, AMarkOfByteOrderSaysNothing) {
  const std::string mark = "\xef\xbb\xbf";
  EXPECT_EQ(parsed(mark + "{\"t\": 1, \"nodes\": 2}\n").jobs.size(), 1U);
  EXPECT_EQ(
      parsed(mark + R"({"jobs": [{"t_submit": 1, "t_run": 2, "t_cleanup": 3, "nnodes": 1}]})").jobs.size(),
      1U);
  EXPECT_EQ(parsed(mark + R"({"id": 1, "t_submit": 1, "t_run": 2, "t_cleanup": 3, "nnodes": 1})").jobs.size(),
            1U);
  EXPECT_EQ(simulate::parse_trace(mark + "{\"t\": 1, \"nodes\": 2}\n", "x")->size(), 1U);
}

TEST(JobHistory, LinesAreReadAsTheJobsThatWroteThem) {
  const std::vector<simulate::TraceJob> jobs{
      {.t = 0, .request = {.nodes = 2, .slots = 2, .cores = 3, .duration = 1.25, .queue = "a \"b\""}},
      {.t = 1.5, .request = {.nodes = 3, .exclusive = true, .duration = 0.001}},
      {.t = 86400.125, .request = {.slots = 7, .cores = 2, .gpus = 1, .duration = 9, .urgency = 20}}};
  std::string text = simulate::trace_event_line(1, "online", "2-3") + "\n";
  for (const auto& job : jobs)
    text += simulate::trace_line(job) + "\n";
  const auto read = simulate::parse_trace(text, "x");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, jobs);
}

TEST(JobHistory, WhatIsWrongIsNamedByLineAndField) {
  const std::string good =
      R"({"id": 1, "t_submit": 1, "t_run": 2, "t_cleanup": 3, "nnodes": 1, "x": [1, "],{"]})";
  EXPECT_EQ(refusal(good + "\n" + R"({"id": 2, "nnodes": 1})"), "x, line 2: t_submit is missing");
  EXPECT_EQ(refusal(good + "\n\nnothing"), "x, line 3: is not JSON: syntax error");
  EXPECT_EQ(refusal(good + "\n[]"), "x, line 2: the document is a list, not an object");
  const auto list = [&](const std::string& second) {
    return "{\n\"jobs\": [\n" + good + ",\n" + second + "\n]}";
  };
  EXPECT_EQ(refusal(list(R"({"t_submit": "1", "nnodes": 1})")),
            "x, line 4: jobs[1].t_submit is a text, not a number");
  EXPECT_EQ(refusal(list(R"({"t_submit": -1, "nnodes": 1})")),
            "x, line 4: jobs[1].t_submit is not a time in seconds since 1970");
  EXPECT_EQ(refusal(list(R"({"t_submit": 1, "t_run": 2})")),
            "x, line 4: jobs[1] has neither nnodes, ncores nor ntasks");
  EXPECT_EQ(refusal(list(R"({"t_submit": 1, "nnodes": 1.5})")),
            "x, line 4: jobs[1].nnodes is not a whole number");
  EXPECT_EQ(refusal(list(R"({"t_submit": 1, "nnodes": 1, "duration": -1})")),
            "x, line 4: jobs[1].duration is below 0");
  EXPECT_EQ(refusal(list(R"({"t_submit": 1, "nnodes": 1, "queue": 7})")),
            "x, line 4: jobs[1].queue is a number, not a text");
  EXPECT_EQ(refusal(list("3")), "x, line 4: jobs[1] is a number, not an object");
  EXPECT_EQ(refusal("[" + good + ",\n\n7]"), "x, line 3: jobs[1] is a number, not an object");
  EXPECT_EQ(refusal("{\n\"jobs\": 3}"), "x, line 1: jobs is a number, not a list");
  EXPECT_EQ(refusal("{\"jobs\": [\n" + good + ",\n{]}"), "x, line 3: is not JSON: syntax error");
  EXPECT_EQ(refusal("{\"jobs\": [\n" + good), "x, line 2: is not JSON: incomplete JSON");
  EXPECT_EQ(refusal("{\"jobs\": []}\n{}"), "x, line 2: something follows the list");
}

}  // namespace
}  // namespace fluxmetrics::plan
