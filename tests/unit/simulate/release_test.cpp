// What older versions of Flux answered, and what they did not.
#include "simulate/release.hpp"

#include "bench.hpp"

namespace fluxmetrics::simulate::test {
namespace {

constexpr std::uint32_t guest_role = 2;

Options of_version(std::uint32_t minor) {
  Options options;
  options.size = 4;
  options.max_size = 4;
  options.cores = 4;
  options.release = Release(minor);
  return options;
}

json::value refusal(int errnum, json::value text = nullptr) {
  return {{"errnum", errnum}, {"errtext", text}};
}

TEST(ReleaseTest, ReadsVersions) {
  EXPECT_EQ(Release::parse("0.53").value(), Release(53));
  EXPECT_EQ(Release::parse("0.88.0").value().text(), "0.88.0");
  EXPECT_EQ(Release(), Release(88));
  for (const char* wrong :
       {"", "0", "0.", "53", "1.2", "0.35", "0.89", "0.53.1", "0.53x", "0.-1", "0.99999999999"}) {
    const auto parsed = Release::parse(wrong);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_TRUE(contains(parsed.error().message, "name one from 0.36 to 0.88"));
  }
}

TEST(ReleaseTest, TellsItsVersionAndRefusesWhatCameLater) {
  Bench old(of_version(60));
  EXPECT_EQ(old.payload("attr.get", {{"name", "version"}}).at("value"), "0.60.0");
  EXPECT_EQ(old.call("resource.sched-status"),
            refusal(ENOSYS, "Unknown service method 'resource.sched-status'"));
  Bench next(of_version(61));
  EXPECT_EQ(next.call("resource.sched-status").at("errnum"), 0);
}

TEST(ReleaseTest, StreamsCountsSince55Only) {
  for (const std::uint32_t minor : {54U, 55U}) {
    Bench bench(of_version(minor));
    const auto tag = bench.ask("job-list.job-stats", json::object(), flux::flag::streaming);
    bench.submit(slots(1));
    bench.advance(1);
    EXPECT_EQ(bench.replies(tag).size() > 1, minor == 55) << minor;
  }
}

TEST(ReleaseTest, TorpidRanksWereDrainedBefore66) {
  Bench old(of_version(65));
  ASSERT_TRUE(old.instance().set_torpid(flux::IdSet{2}, true));
  const json::value status = old.payload("resource.status");
  EXPECT_FALSE(status.as_object().contains("torpid"));
  EXPECT_EQ(status.at("drain").at("2").at("reason"), "broker was unresponsive");
  ASSERT_TRUE(old.instance().set_torpid(flux::IdSet{2}, false));
  EXPECT_TRUE(old.payload("resource.status").at("drain").as_object().contains("2"))
      << "until somebody undrains it";
}

TEST(ReleaseTest, UndrainHadNoModeBefore67) {
  const json::value request{{"targets", "1"}, {"mode", "update"}};
  Bench old(of_version(66));
  EXPECT_EQ(old.call("resource.undrain", request).at("errnum"), EEXIST);
  Bench next(of_version(67));
  EXPECT_EQ(next.call("resource.undrain", request).at("errnum"), 0);
}

TEST(ReleaseTest, GuestsAskedTheSchedulerBefore84) {
  Bench old(of_version(83));
  EXPECT_EQ(old.call("sched.resource-status", nullptr, guest_role).at("errnum"), 0);
  Bench next(of_version(84));
  EXPECT_EQ(next.call("sched.resource-status", nullptr, guest_role),
            refusal(EPERM, "Request requires owner credentials"));
}

TEST(ReleaseTest, TheResourceJournalToldItsBacklogOneByOneBefore85) {
  for (const std::uint32_t minor : {84U, 85U}) {
    Bench bench(of_version(minor));
    const auto replies = bench.replies(bench.ask("resource.journal", json::object(), flux::flag::streaming));
    // restart, resource-define, online of rank 0 and of the others, the end of the backlog
    EXPECT_EQ(replies.size(), minor == 85 ? 4U : 5U) << minor;
    EXPECT_EQ(json::parse(replies.back().payload), json::value({{"events", json::array()}}));
  }
}

TEST(ReleaseTest, AMissingSchedulerIsToldByAWordOnlySince88) {
  for (const std::uint32_t minor : {87U, 88U}) {
    Options options = of_version(minor);
    options.scheduler = false;
    Bench bench(options);
    const json::value status = bench.payload("job-manager.queue-status", json::object());
    EXPECT_EQ(status.at("start"), false);
    EXPECT_EQ(status.at("stop_reason"), "Scheduler is offline");
    EXPECT_EQ(status.as_object().contains("blocked"), minor == 88) << minor;
  }
}

}  // namespace
}  // namespace fluxmetrics::simulate::test
