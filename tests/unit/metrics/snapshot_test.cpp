#include "metrics/snapshot.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include "support/instance_builder.hpp"

namespace fluxmetrics::metrics {
namespace {

using std::chrono::seconds;
using support::InstanceBuilder;

std::shared_ptr<const instance::InstanceState> share(const instance::InstanceState& state) {
  return std::make_shared<const instance::InstanceState>(state);
}
Now at(int second) {
  return {.wall = from_unix(1.8e9 + second), .mono = MonoTime(seconds(1000 + second))};
}
double value(const View& view, std::string_view name) {
  return view.snapshot->find(name)->items.at(0).value;
}

sizing::SizePolicy hold(double time) {
  sizing::SizePolicy policy;
  policy.hold = Seconds(time);
  return policy;
}

TEST(Store, IsEmptyAtFirstAndKeepsTheTroubleUntilASnapshotComes) {
  Store store;
  EXPECT_EQ(store.view().snapshot, nullptr);
  EXPECT_EQ(store.view().trouble, "");
  store.set_trouble("no broker answers");
  EXPECT_EQ(store.view().trouble, "no broker answers");
  store.publish(std::make_shared<const Snapshot>());
  EXPECT_NE(store.view().snapshot, nullptr);
  EXPECT_EQ(store.view().trouble, "");
  store.set_trouble("gone again");
  EXPECT_NE(store.view().snapshot, nullptr) << "the last snapshot stays";
}

TEST(Snapshot, FindsFamiliesByName) {
  Store store;
  Publisher publisher(hold(60), false, store);
  publisher.on_state(share(InstanceBuilder(6).online("0-3")), at(0));
  const auto snapshot = store.view().snapshot;
  ASSERT_NE(snapshot->find("node_up_count"), nullptr);
  EXPECT_EQ(snapshot->find("node_up_count")->description->name, "node_up_count");
  EXPECT_EQ(snapshot->find("node_up"), nullptr);
  EXPECT_EQ(Snapshot{}.find("node_up_count"), nullptr);
}

TEST(Publisher, HoldsNothingOfAnInstanceThatIsGone) {
  Store store;
  Publisher publisher(hold(3600), false, store);
  instance::InstanceState first = InstanceBuilder(6).online("0-3").pending(support::whole_nodes(5));
  first.started = "1.0";
  publisher.on_state(share(first), at(0));
  EXPECT_EQ(value(store.view(), "node_wanted_count"), 5);
  instance::InstanceState idle = InstanceBuilder(6).online("0-3");
  idle.started = "1.0";
  publisher.on_state(share(idle), at(1));
  EXPECT_EQ(value(store.view(), "node_wanted_count"), 5) << "the same broker: held";
  idle.started = "2.0";
  publisher.on_state(share(idle), at(2));
  EXPECT_EQ(value(store.view(), "node_wanted_count"), 1);
}

TEST(Publisher, HoldsNothingThatWasNotKnown) {
  Store store;
  Publisher publisher(hold(3600), false, store);
  instance::InstanceState busy = InstanceBuilder(6).online("0-3").pending(support::whole_nodes(5));
  busy.jobs_unknown = "hidden";
  publisher.on_state(share(busy), at(0));
  EXPECT_TRUE(store.view().snapshot->find("node_wanted_count")->missing);
  publisher.on_state(share(InstanceBuilder(6).online("0-3")), at(1));
  EXPECT_EQ(value(store.view(), "node_wanted_count"), 1);
}

TEST(Publisher, PublishesEachConfirmationWithItsTime) {
  Store store;
  Publisher publisher(hold(60), false, store);
  const auto state = share(InstanceBuilder(6).online("0-3").pending(support::whole_nodes(2)));
  publisher.on_state(state, at(0));
  const auto first = store.view().snapshot;
  EXPECT_EQ(value(store.view(), "node_wanted_count"), 2);
  publisher.on_state(state, at(5));
  const auto second = store.view().snapshot;
  EXPECT_EQ(second->state, state);
  EXPECT_EQ(second->confirmed.wall, at(5).wall);
  EXPECT_GT(second->generation, first->generation);
  EXPECT_EQ(second->families, first->families) << "nothing moved: the families are shared";
}

TEST(Publisher, MovesWhatDependsOnTimeAlone) {
  Store store;
  Publisher publisher(hold(0), false, store);
  InstanceBuilder made(64);
  made.online("0-63").pending(support::whole_nodes(1), 40);
  for (auto& job : made.state().jobs) {
    job.duration = 6;
    job.t_sched = 1.8e9;
  }
  const auto state = share(made);
  publisher.on_state(state, at(0));
  EXPECT_EQ(value(store.view(), "node_wanted_count"), 4);
  const auto before = store.view().snapshot->families;
  publisher.on_state(state, at(200));
  EXPECT_EQ(value(store.view(), "node_wanted_count"), 40) << "they waited for more than twice the patience";
  EXPECT_NE(store.view().snapshot->families, before);
  EXPECT_EQ(before->size(), store.view().snapshot->families->size());
}

TEST(Publisher, HoldsTheWantedSize) {
  Store store;
  Publisher publisher(hold(60), false, store);
  publisher.on_state(share(InstanceBuilder(6).online("0-5").pending(support::whole_nodes(5))), at(0));
  const auto idle = share(InstanceBuilder(6).online("0-5"));
  publisher.on_state(idle, at(10));
  EXPECT_EQ(value(store.view(), "node_wanted_count"), 5);
  EXPECT_EQ(value(store.view(), "node_wanted_all_count"), 1);
  publisher.on_state(idle, at(71));
  EXPECT_EQ(value(store.view(), "node_wanted_count"), 1);
}

TEST(Publisher, KnowsThatRanksOfANamedSubInstanceAreNoPods) {
  InstanceBuilder made(6);
  made.state().level = 1;
  for (const bool explicit_instance : {false, true}) {
    Store store;
    Publisher publisher(hold(60), explicit_instance, store);
    publisher.on_state(share(made), at(0));
    EXPECT_EQ(store.view().snapshot->find("node_wanted_count")->missing.has_value(), explicit_instance);
  }
}

TEST(Store, IsReadWhileItIsWritten) {
  Store store;
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  std::atomic<std::uint64_t> reads = 0;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      std::uint64_t last = 0;
      while (!stop) {
        const auto view = store.view();
        if (!view.snapshot) continue;
        EXPECT_GE(view.snapshot->generation, last);
        EXPECT_EQ(view.snapshot->find("node_total_count")->items.at(0).value, 6);
        last = view.snapshot->generation;
        ++reads;
      }
    });
  }
  Publisher publisher(hold(0), false, store);
  for (int i = 0; i < 200 || reads < 100; ++i) {
    publisher.on_state(share(InstanceBuilder(6).online("0-3")), at(i));
    if (i % 10 == 0) store.set_trouble("slow");
  }
  stop = true;
  for (auto& reader : readers)
    reader.join();
  EXPECT_GE(reads, 100U);
}

}  // namespace
}  // namespace fluxmetrics::metrics
