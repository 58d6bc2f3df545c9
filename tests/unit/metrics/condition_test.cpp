#include "metrics/condition.hpp"

#include <gtest/gtest.h>

#include "support/instance_builder.hpp"

namespace fluxmetrics::metrics {
namespace {

using Kind = instance::Trouble::Kind;

View of(const std::string& broker_state, bool has_scheduler = true) {
  instance::InstanceState state = support::InstanceBuilder(2);
  state.broker_state = broker_state;
  state.has_scheduler = has_scheduler;
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->state = std::make_shared<const instance::InstanceState>(state);
  View view;
  view.snapshot = snapshot;
  return view;
}

TEST(Condition, FollowsTheBrokersState) {
  EXPECT_EQ(condition_of(of("init")), Condition::starting);
  EXPECT_EQ(condition_of(of("quorum")), Condition::quorum);
  EXPECT_EQ(condition_of(of("run")), Condition::running);
  EXPECT_EQ(condition_of(of("run", false)), Condition::no_scheduler);
  EXPECT_EQ(condition_of(View{}), Condition::starting);
}

TEST(Condition, IsThatOfTheTroubleWhateverWasBefore) {
  View view = of("run");
  view.trouble = "it says nothing";
  view.trouble_kind = Kind::silent;
  EXPECT_EQ(condition_of(view), Condition::silent);
  view.trouble_kind = Kind::ending;
  EXPECT_EQ(condition_of(view), Condition::shutdown);
  view.trouble_kind = Kind::gone;
  EXPECT_EQ(condition_of(view), Condition::gone);
  view.trouble_kind.reset();
  EXPECT_EQ(condition_of(view), Condition::starting);
}

TEST(Condition, ComesBackWithTheNextSnapshot) {
  Store store;
  store.set_trouble("nobody was asked yet", std::nullopt);
  EXPECT_EQ(condition_of(store.view()), Condition::starting);
  store.set_trouble("nobody there");
  EXPECT_EQ(condition_of(store.view()), Condition::gone);
  store.publish(of("run").snapshot);
  EXPECT_EQ(condition_of(store.view()), Condition::running);
  EXPECT_EQ(store.view().returns, 0U) << "it was never there before";
  store.set_trouble("nobody there");
  store.publish(of("run").snapshot);
  EXPECT_EQ(condition_of(store.view()), Condition::running);
  EXPECT_EQ(store.view().returns, 1U);
}

TEST(Condition, HasAWordForEach) {
  for (const auto condition : all_conditions)
    EXPECT_FALSE(to_string(condition).empty());
}

}  // namespace
}  // namespace fluxmetrics::metrics
