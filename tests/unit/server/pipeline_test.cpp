// From a broker's name to values in a store.
#include "server/pipeline.hpp"

#include <gtest/gtest.h>

#include "simulate/server.hpp"
#include "support/environment.hpp"

namespace fluxmetrics::server {
namespace {

constexpr Seconds patience{30};

simulate::Options two_nodes() {
  simulate::Options options;
  options.size = 2;
  options.cores = 4;
  return options;
}

Broker no_broker() {
  return {.socket_paths = {"/nonexistent/flux/local"}, .named = true, .guessed = false};
}

TEST(FindBroker, TakesWhatIsNamedBeforeWhatIsUsual) {
  const test::EnvironmentVariable variable("FLUX_URI", "local:///of/the/environment");
  const auto named = find_broker("local:///named");
  ASSERT_TRUE(named) << named.error().message;
  EXPECT_EQ(named->socket_paths, std::vector<std::string>{"/named"}) << "exactly that instance is meant";
  EXPECT_TRUE(named->named);
  EXPECT_EQ(way_to_a_broker(*named), "");
  const auto usual = find_broker(std::nullopt);
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->socket_paths.front(), "/of/the/environment");
  EXPECT_GT(usual->socket_paths.size(), 1U);
  EXPECT_FALSE(usual->named);
  EXPECT_FALSE(usual->guessed);
}

TEST(FindBroker, GuessesWhereNobodyNamesOne) {
  const test::EnvironmentVariable variable("FLUX_URI", nullptr);
  const auto guessed = find_broker(std::nullopt);
  ASSERT_TRUE(guessed);
  EXPECT_TRUE(guessed->guessed);
  EXPECT_FALSE(guessed->socket_paths.empty());
  EXPECT_TRUE(way_to_a_broker(*guessed).contains("--flux-uri"));
}

TEST(FindBroker, SaysWhereAWrongUriComesFrom) {
  const auto named = find_broker("ssh://host/path");
  ASSERT_FALSE(named);
  EXPECT_TRUE(named.error().message.starts_with("--flux-uri: ")) << named.error().message;
  const test::EnvironmentVariable variable("FLUX_URI", "nonsense");
  const auto usual = find_broker(std::nullopt);
  ASSERT_FALSE(usual);
  EXPECT_TRUE(usual.error().message.starts_with("FLUX_URI: ")) << usual.error().message;
}

TEST(ConnectTo, TakesTheFirstBrokerThatAnswers) {
  simulate::Server server(two_nodes());
  ASSERT_TRUE(server.start());
  auto broker = no_broker();
  broker.socket_paths.push_back(server.socket_path());
  EXPECT_TRUE(connect_to(broker));
  broker = {.socket_paths = {"/nonexistent/a", "/nonexistent/b"}, .named = false, .guessed = true};
  const auto none = connect_to(broker);
  ASSERT_FALSE(none);
  for (const auto* part : {"/nonexistent/a", "/nonexistent/b", "--flux-uri"})
    EXPECT_TRUE(none.error().message.contains(part)) << none.error().message;
  broker.guessed = false;
  const auto first = connect_to(broker);
  ASSERT_FALSE(first);
  EXPECT_FALSE(first.error().message.contains("/nonexistent/b")) << "of the one that was named";
}

TEST(FindAll, RefusesAMinimumAboveTheMaximum) {
  sizing::SizePolicy policy;
  policy.min_replicas = 5;
  policy.max_replicas = 4;
  const auto found = find_all("local:///named", policy, {}, patience);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message, "--min-replicas 5 is above --max-replicas 4");
  policy.max_replicas = 5;
  const auto fine = find_all("local:///named", policy, {}, patience);
  ASSERT_TRUE(fine) << fine.error().message;
  EXPECT_EQ(fine->user, nullptr);
  EXPECT_EQ(fine->catalogue, metrics::built_in());
}

TEST(Pipelines, GetFromABrokerToValues) {
  simulate::Server server(two_nodes());
  ASSERT_TRUE(server.start());
  Pipeline pipeline({.socket_paths = {server.socket_path()}, .named = true, .guessed = false}, {}, patience);
  EXPECT_EQ(pipeline.store().view().snapshot, nullptr) << "not before it is started";
  pipeline.start();
  const auto view = pipeline.await_values(patience);
  ASSERT_NE(view.snapshot, nullptr) << view.trouble;
  const auto* family = view.snapshot->find("node_up_count");
  ASSERT_NE(family, nullptr);
  ASSERT_EQ(family->items.size(), 1U);
  EXPECT_EQ(family->items[0].value, 2);
  EXPECT_EQ(pipeline.await_values(Seconds(0)).snapshot, pipeline.store().view().snapshot)
      << "what is there needs no time";
}

TEST(Pipelines, SayWhyThereIsNoValue) {
  Pipeline pipeline(no_broker(), {}, patience);
  const auto began = MonoTime::clock::now();
  pipeline.start();
  pipeline.await_first_word(patience);
  EXPECT_LT(MonoTime::clock::now() - began, patience);
  const auto view = pipeline.await_values(Seconds(0.02));
  EXPECT_EQ(view.snapshot, nullptr);
  EXPECT_TRUE(view.trouble.contains("/nonexistent/flux/local")) << view.trouble;
}

TEST(Pipelines, AreWaitedForNoLongerThanSomebodyWants) {
  Pipeline pipeline(no_broker(), {}, patience);
  const auto began = MonoTime::clock::now();
  int asked = 0;
  EXPECT_EQ(pipeline.await_values(patience, [&] { return ++asked == 3; }).snapshot, nullptr);
  EXPECT_EQ(asked, 3);
  EXPECT_LT(MonoTime::clock::now() - began, patience);
}

}  // namespace
}  // namespace fluxmetrics::server
