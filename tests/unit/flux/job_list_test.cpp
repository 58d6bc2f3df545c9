#include "flux/job_list.hpp"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "flux/captures.hpp"

namespace fluxmetrics::flux {
namespace {

namespace json = boost::json;

struct Listed {
  ListedJob job;
  std::string queue;
};

// Reads `text` in slices of `slice` bytes.
Result<std::vector<Listed>> read(std::string_view text, std::size_t slice = 1U << 20U) {
  std::vector<Listed> jobs;
  JobListReader reader([&](const ListedJob& job) { jobs.push_back({job, std::string(job.queue)}); });
  for (std::size_t at = 0; at < text.size(); at += slice)
    reader.feed(text.substr(at, slice));
  if (auto done = reader.finish(); !done) return std::unexpected(done.error());
  return jobs;
}

std::string error_of(std::string_view text) {
  const auto jobs = read(text);
  return jobs ? "no error" : jobs.error().message;
}

// A member of a job as the document has it.
template <class T>
std::optional<T> member(const json::value& job, std::string_view name) {
  const auto* found = job.as_object().if_contains(name);
  return found == nullptr ? std::nullopt : std::optional(found->to_number<T>());
}

TEST(JobListReader, ReadsWhatTheDocumentHolds) {
  for (const auto* name : {"15-sizes.job-list.list.pending.json", "15-sizes.job-list.list.running.json"}) {
    const auto payload = captures::payload(name);
    const auto& records = payload.at("jobs").as_array();
    ASSERT_FALSE(records.empty());
    for (const std::size_t slice : {1U, 7U, 1000000U}) {
      const auto listed = read(json::serialize(payload), slice);
      ASSERT_TRUE(listed) << listed.error().message;
      ASSERT_EQ(listed->size(), records.size());
      for (std::size_t i = 0; i < records.size(); ++i) {
        const auto& record = records[i];
        const auto& [job, queue] = (*listed)[i];
        EXPECT_EQ(job.id, record.at("id").as_int64());
        EXPECT_EQ(static_cast<std::int64_t>(job.state.value()), record.at("state").as_int64());
        EXPECT_EQ(job.priority, member<std::int64_t>(record, "priority"));
        EXPECT_EQ(job.nnodes, member<std::int64_t>(record, "nnodes"));
        EXPECT_EQ(job.ncores, member<std::int64_t>(record, "ncores"));
        EXPECT_EQ(job.t_submit, member<double>(record, "t_submit"));
        EXPECT_EQ(job.t_run, member<double>(record, "t_run"));
        EXPECT_EQ(job.duration, member<double>(record, "duration"));
        EXPECT_EQ(job.expiration, member<double>(record, "expiration"));
        const auto* const named = record.as_object().if_contains("queue");
        EXPECT_EQ(queue, named == nullptr ? std::string_view() : std::string_view(named->as_string()));
      }
    }
  }
}

TEST(JobListReader, SkipsWhatItDoesNotKnowAtAnyDepth) {
  const auto jobs = read(R"({"version":1,"more":{"jobs":[1,{"id":"x"}]},"jobs":[
      {"annotations":{"sched":{"id":"no","jobs":[[]]}},"id":5,"queue":null,"state":8,"name":"\u00e9\n"},
      {"id":6,"state":16,"queue":"a\"b","t_run":7,"priority":4294967295}],"end":[]} )");
  ASSERT_TRUE(jobs) << jobs.error().message;
  ASSERT_EQ(jobs->size(), 2U);
  EXPECT_EQ((*jobs)[0].job.id, 5);
  EXPECT_EQ((*jobs)[0].job.state, JobState::sched);
  EXPECT_EQ((*jobs)[1].queue, "a\"b");
  EXPECT_EQ((*jobs)[1].job.t_run, 7.0) << "an integer is a time too";
  EXPECT_EQ((*jobs)[1].job.priority, 4294967295);
  EXPECT_TRUE(read(R"({"jobs":[]})")->empty());
}

TEST(JobListReader, KeepsIdsExact) {
  const auto jobs =
      read(R"({"jobs":[{"id":9007199254740993,"state":8},{"id":9223372036854775807,"state":8}]})");
  ASSERT_TRUE(jobs);
  EXPECT_EQ((*jobs)[0].job.id, 9007199254740993);
  EXPECT_EQ((*jobs)[1].job.id, 9223372036854775807);
}

TEST(JobListReader, RefusesWhatIsNoListOfJobs) {
  EXPECT_NE(error_of("").find("not JSON"), std::string::npos);
  EXPECT_NE(error_of(R"({"jobs":[{"id":1,"state":8})").find("not JSON"), std::string::npos) << "cut short";
  EXPECT_NE(error_of(R"({"jobs":[]}{)").find("not JSON"), std::string::npos) << "more than one document";
  EXPECT_NE(error_of("{}").find("jobs is missing"), std::string::npos);
  EXPECT_NE(error_of("[]").find("not an object"), std::string::npos);
  EXPECT_NE(error_of("3").find("not an object"), std::string::npos);
  EXPECT_NE(error_of(R"({"jobs":{}})").find("not an array"), std::string::npos);
  EXPECT_NE(error_of(R"({"jobs":7})").find("not an array"), std::string::npos);
  EXPECT_NE(error_of(R"({"jobs":[1]})").find("not an object"), std::string::npos);
  EXPECT_NE(error_of(R"({"jobs":[[]]})").find("not an object"), std::string::npos);
  EXPECT_NE(error_of(R"({"jobs":[{"state":8}]})").find("no id"), std::string::npos);
  EXPECT_NE(error_of(R"({"jobs":[{"id":1,"state":3}]})").find("state"), std::string::npos);
  for (const auto* member : {R"("id":"1")", R"("id":1.5)", R"("state":"sched")", R"("priority":[])",
                             R"("nnodes":{})", R"("queue":1)", R"("t_run":"now")", R"("duration":true)"}) {
    EXPECT_NE(error_of(std::string(R"({"jobs":[{"id":1,)") + member + "}]}").find("kind"), std::string::npos)
        << member;
  }
  EXPECT_NE(error_of(std::string(1000, '[')).find("job-list.list"), std::string::npos);
  EXPECT_NE(error_of(R"({"jobs":[{"id":1}]})").find("job 1 has no state"), std::string::npos);
  EXPECT_NE(error_of(R"({"jobs":[{"id":1,"t_run":1e999}]})").find("job-list.list"), std::string::npos);
}

TEST(JobListReader, StopsAtMoreJobsThanAnybodyHas) {
  std::size_t taken = 0;
  JobListReader reader([&](const ListedJob& /*job*/) { ++taken; });
  reader.feed(R"({"jobs":[{"id":0,"state":8})");
  for (std::size_t i = 0; i <= max_listed_jobs; ++i)
    reader.feed(R"(,{"id":1,"state":8})");
  reader.feed("]}");
  const auto done = reader.finish();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("more jobs than the 500000"), std::string::npos)
      << done.error().message;
  EXPECT_EQ(taken, max_listed_jobs);
}

}  // namespace
}  // namespace fluxmetrics::flux
