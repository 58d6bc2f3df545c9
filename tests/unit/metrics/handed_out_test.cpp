#include "metrics/handed_out.hpp"

#include <gtest/gtest.h>
#include <limits>
#include <string>

#include "metrics/snapshot.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::metrics {
namespace {

using std::chrono::seconds;

MonoTime after(int second) {
  return MonoTime(seconds(1000 + second));
}

TEST(HandedOut, IsNotKnownBeforeAnybodyHasRead) {
  HandedOut handed_out(Seconds(0), after(0));
  EXPECT_EQ(handed_out.smallest(after(100)), 0U);
  EXPECT_TRUE(handed_out.unread(after(100)));
  handed_out.record(4, {.name = "hpa"}, after(101));
  EXPECT_EQ(handed_out.smallest(after(101)), 4U);
  EXPECT_FALSE(handed_out.unread(after(101)));
}

TEST(HandedOut, IsNotKnownWhileWhatAServerBeforeThisOneSaidMayBeActedOn) {
  HandedOut handed_out(Seconds(10), after(0));
  handed_out.record(6, {.name = "hpa"}, after(3));
  EXPECT_EQ(handed_out.smallest(after(9)), 0U);
  EXPECT_FALSE(handed_out.unread(after(9)));
  EXPECT_EQ(handed_out.smallest(after(10)), 6U);
  HandedOut unread(Seconds(10), after(0));
  EXPECT_FALSE(unread.unread(after(9)));
  EXPECT_TRUE(unread.unread(after(10)));
}

TEST(HandedOut, IsTheLastValueWhereReadersActAtOnce) {
  HandedOut handed_out(Seconds(0), after(0));
  handed_out.record(3, {.name = "hpa"}, after(1));
  handed_out.record(6, {.name = "hpa"}, after(2));
  EXPECT_EQ(handed_out.smallest(after(2)), 6U);
  handed_out.record(2, {.name = "hpa"}, after(3));
  EXPECT_EQ(handed_out.smallest(after(60)), 2U);
}

// An autoscaler that was told 5 may be held up on its way to write it, whoever else reads 8 meanwhile.
TEST(HandedOut, KeepsTheLastValueOfEachReader) {
  HandedOut handed_out(Seconds(10), after(-100));
  handed_out.record(5, {.name = "hpa"}, after(0));
  handed_out.record(8, {.name = "prometheus"}, after(5));
  EXPECT_EQ(handed_out.smallest(after(60)), 5U);
  handed_out.record(8, {.name = "hpa"}, after(61));
  EXPECT_EQ(handed_out.smallest(after(61)), 8U);
}

// Somebody who looks once at 2 does not keep nodes drained for minutes.
TEST(HandedOut, TakesPeopleAtTheirWordForATimeOnly) {
  HandedOut handed_out(Seconds(10), after(-100));
  handed_out.record(8, {.name = "hpa"}, after(0));
  handed_out.record(2, {.name = "ada", .person = true}, after(5));
  EXPECT_EQ(handed_out.smallest(after(15)), 2U);
  EXPECT_EQ(handed_out.smallest(after(16)), 8U);
  HandedOut unread(Seconds(10), after(0));
  unread.record(2, {.name = "ada", .person = true}, after(20));
  EXPECT_EQ(unread.smallest(after(20)), 2U);
  EXPECT_EQ(unread.smallest(after(31)), 0U) << "what a server before this one said is not known";
}

TEST(HandedOut, ForgetsReadersThatAreGone) {
  constexpr auto nobody = std::numeric_limits<std::uint32_t>::max();
  HandedOut handed_out(Seconds(10), after(0));
  EXPECT_EQ(handed_out.smallest(after(120)), 0U);
  EXPECT_EQ(handed_out.smallest(after(121)), nobody)
      << "a server before this one told nobody anything either";
  handed_out.record(3, {.name = "hpa"}, after(200));
  handed_out.record(6, {.name = "prometheus"}, after(300));
  EXPECT_EQ(handed_out.smallest(after(320)), 3U);
  EXPECT_EQ(handed_out.smallest(after(321)), 6U);
  EXPECT_EQ(handed_out.smallest(after(421)), nobody);
  for (int i = 0; i < 200; ++i)
    handed_out.record(static_cast<std::uint32_t>(300 - i), {.name = std::to_string(i)}, after(500));
  EXPECT_EQ(handed_out.smallest(after(500)), 101U) << "more readers than it knows apart";
}

TEST(HandedOut, IsTheSmallestOfTheTimeInWhichReadersAct) {
  HandedOut handed_out(Seconds(10), after(-100));
  handed_out.record(3, {.name = "hpa"}, after(0));
  handed_out.record(6, {.name = "hpa"}, after(4));
  handed_out.record(5, {.name = "hpa"}, after(6));
  handed_out.record(5, {.name = "hpa"}, after(8));
  EXPECT_EQ(handed_out.smallest(after(10)), 3U);
  EXPECT_EQ(handed_out.smallest(after(11)), 5U);
  EXPECT_EQ(handed_out.smallest(after(100)), 5U) << "the last one counts until there is another";
  handed_out.record(7, {.name = "hpa"}, after(1000));
  EXPECT_EQ(handed_out.smallest(after(1000)), 7U);
}

// A reader's value must be on record before a larger one counts as published.
TEST(Store, HandsOutOnlyWhatIsPublished) {
  Store store;
  Publisher publisher({}, false, store);
  publisher.let_decide([](const Needed&) {});
  EXPECT_FALSE(store.records_handed_out());
  store.record_handed_out(Seconds(0), after(0));
  EXPECT_TRUE(store.records_handed_out());
  EXPECT_FALSE(store.hand_out(3, {.name = "hpa"}, after(1))) << "nothing is published";
  const instance::InstanceState state = support::InstanceBuilder(6).online("0-3");
  publisher.on_state(std::make_shared<const instance::InstanceState>(state), {.wall = {}, .mono = after(1)});
  publisher.on_wanted(3U, "");
  EXPECT_TRUE(store.hand_out(3, {.name = "hpa"}, after(2)));
  EXPECT_EQ(store.told(after(2)).handed_out, 3U);
  publisher.on_wanted(6U, "");
  EXPECT_FALSE(store.hand_out(3, {.name = "hpa"}, after(3)))
      << "whoever has not sent it yet must send the new one";
  EXPECT_EQ(store.told(after(3)).handed_out, 3U);
  EXPECT_TRUE(store.hand_out(6, {.name = "hpa"}, after(3)));
  EXPECT_EQ(store.told(after(3)).handed_out, 6U);
}

TEST(Publisher, PublishesWhatIsDecidedInPlaceOfWhatIsNeeded) {
  Store store;
  sizing::SizePolicy policy;
  policy.hold = Seconds(0);
  Publisher publisher(policy, false, store);
  Needed needed;
  publisher.let_decide([&](const Needed& news) { needed = news; });
  const instance::InstanceState state =
      support::InstanceBuilder(6).online("0-3").pending(support::whole_nodes(2));
  const auto shared = std::make_shared<const instance::InstanceState>(state);
  publisher.on_state(shared, {.wall = {}, .mono = after(0)});
  EXPECT_EQ(needed.need, 2U);
  EXPECT_TRUE(needed.known);
  EXPECT_EQ(needed.state, shared);
  const auto undecided = store.view().snapshot;
  ASSERT_TRUE(undecided->find(wanted_name)->missing);
  EXPECT_EQ(undecided->find(wanted_name)->missing->code, Code::unavailable);
  EXPECT_FALSE(undecided->wanted);
  publisher.on_wanted(4U, "");
  const auto decided = store.view().snapshot;
  EXPECT_EQ(decided->wanted, 4U);
  EXPECT_GT(decided->generation, undecided->generation);
  EXPECT_EQ(decided->confirmed.mono, after(0)) << "no word of the broker";
  publisher.on_wanted(4U, "");
  EXPECT_EQ(store.view().snapshot, decided) << "nothing new";
  publisher.on_state(shared, {.wall = {}, .mono = after(1)});
  EXPECT_EQ(store.view().snapshot->wanted, 4U);
  publisher.on_wanted(fail(Code::unavailable, "nobody knows"), "");
  EXPECT_EQ(store.view().snapshot->find(wanted_name)->missing->message, "nobody knows");
  publisher.on_wanted(2U, "a broker before this one");
  EXPECT_FALSE(store.view().snapshot->wanted);
}

// Ranks that run something outside of the need are drained and become empty: they must not be part of it.
TEST(Publisher, SaysTheNeedWithoutWhatMerelyRunsElsewhere) {
  Store store;
  sizing::SizePolicy policy;
  policy.hold = Seconds(0);
  Publisher publisher(policy, false, store);
  Needed needed;
  publisher.let_decide([&](const Needed& news) { needed = news; });
  const instance::InstanceState state = support::InstanceBuilder(6).online("0-5").use("5", "0");
  publisher.on_state(std::make_shared<const instance::InstanceState>(state), {.wall = {}, .mono = after(0)});
  EXPECT_EQ(store.view().snapshot->find("node_safe_min_count")->items.at(0).value, 6);
  EXPECT_LT(needed.need, 6U);
}

// A size that somebody needs is not given back because nobody remembers what for.
TEST(Publisher, KeepsTheSizeInEffectForAWhileAfterAStart) {
  Store store;
  sizing::SizePolicy policy;
  policy.hold = Seconds(60);
  Publisher publisher(policy, false, store);
  std::uint32_t size = 4;
  publisher.keep([&](const instance::InstanceState&) { return size; });
  instance::InstanceState state = support::InstanceBuilder(6).online("0-3");
  const auto wanted_at = [&](int second) {
    publisher.on_state(std::make_shared<const instance::InstanceState>(state),
                       {.wall = {}, .mono = after(second)});
    return store.view().snapshot->wanted;
  };
  EXPECT_EQ(wanted_at(0), 4U);
  size = 3;
  EXPECT_EQ(wanted_at(30), 4U) << "the size fell for another reason";
  size = 5;
  EXPECT_EQ(wanted_at(59), 5U) << "ranks come back after a restart";
  EXPECT_EQ(wanted_at(60), 1U);
  state.started = "another broker";
  EXPECT_EQ(wanted_at(61), 5U);
  EXPECT_EQ(wanted_at(121), 1U);
}

}  // namespace
}  // namespace fluxmetrics::metrics
