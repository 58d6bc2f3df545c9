#include <gtest/gtest.h>

#include "metrics/catalogue.hpp"
#include "metrics/external_names.hpp"
#include "metrics/prometheus.hpp"
#include "metrics/reference.hpp"
#include "metrics/snapshot.hpp"
#include "metrics/user_names.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::metrics {
namespace {

using support::InstanceBuilder;
using namespace std::chrono_literals;

UserMetric held() {
  return {.name = "job_held_count",
          .unit = "jobs",
          .help = "Jobs that somebody holds.",
          .source = "mine.yaml line 3",
          .labels = {"queue"},
          .aggregation = Aggregation::sum};
}

std::string refusal(std::vector<UserMetric> metrics) {
  const auto made = Catalogue::with(std::move(metrics));
  return made ? "" : made.error().message;
}

TEST(UserCatalogue, HoldsTheUsersMetricsAmongTheBuiltIn) {
  const auto made = Catalogue::with({held()});
  ASSERT_TRUE(made);
  const auto& catalogue = **made;
  EXPECT_EQ(catalogue.size(), built_in()->size() + 1);
  EXPECT_TRUE(std::ranges::is_sorted(catalogue, {}, &Description::name));
  const auto* found = catalogue.find("job_held_count");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->help, "Jobs that somebody holds.");
  EXPECT_EQ(built_in()->find("job_held_count"), nullptr);
  EXPECT_NE(catalogue_table(catalogue).find("| mine.yaml line 3 | `flux_user_job_held` |"), std::string::npos)
      << catalogue_table(catalogue);
}

TEST(UserCatalogue, ExternalNamesHaveNoCase) {
  auto metric = held();
  metric.name = "jobHeld_Count";
  const auto made = Catalogue::with({metric});
  ASSERT_TRUE(made);
  for (const auto* name : {"jobHeld_Count", "jobheld_count", "JOBHELD_COUNT"}) {
    const auto* found = find_external((*made)->descriptions(), name);
    ASSERT_NE(found, nullptr) << name;
    EXPECT_EQ(found->name, "jobHeld_Count");
  }
  EXPECT_EQ(find_external((*made)->descriptions(), "jobheld_coun"), nullptr);
  EXPECT_EQ((*made)->find("jobheld_count"), nullptr) << "of custom.metrics.k8s.io";
}

TEST(UserCatalogue, RefusesNamesThatAreTakenOrNone) {
  auto taken = held();
  taken.name = "node_up_count";
  EXPECT_EQ(refusal({taken}),
            "mine.yaml line 3: there is a built-in metric node_up_count already; choose another name");
  auto again = held();
  again.source = "other.py line 9";
  EXPECT_EQ(refusal({held(), again}),
            "other.py line 9: there is a metric job_held_count already, in mine.yaml line 3; choose another "
            "name");
  taken.name = "Node_Up_Count";
  EXPECT_EQ(
      refusal({taken}),
      "mine.yaml line 3: there is a built-in metric node_up_count already, and HPAs ask for external metrics "
      "in lower case; choose another name");
  again.name = "job_Held_Count";
  EXPECT_EQ(
      refusal({held(), again}),
      "other.py line 9: there is a metric job_held_count already, in mine.yaml line 3, and HPAs ask for "
      "external metrics in lower case; choose another name");
  auto alike = again;
  alike.name = "job_held";
  EXPECT_NE(refusal({held(), alike}).find("by the same name flux_user_job_held"), std::string::npos);
  // OpenMetrics leaves _total out of a counter's family.
  alike.name = "job_held_total";
  alike.type = Type::counter;
  EXPECT_NE(refusal({held(), alike}).find("by the same name flux_user_job_held;"), std::string::npos);
  for (const auto* name : {"", "1st", "a-b", "a b", "a/b", "caf\xc3\xa9"}) {
    auto wrong = held();
    wrong.name = name;
    EXPECT_NE(refusal({wrong}).find("is not a valid metric name"), std::string::npos) << name;
  }
  auto long_name = held();
  long_name.name = std::string(129, 'a');
  EXPECT_FALSE(is_metric_name(long_name.name));
  EXPECT_TRUE(is_metric_name(std::string(128, 'a')));
}

TEST(UserCatalogue, KeepsTotalForCounters) {
  auto counter = held();
  counter.type = Type::counter;
  EXPECT_NE(refusal({counter}).find("ends in _total"), std::string::npos);
  auto gauge = held();
  gauge.name = "job_held_total";
  EXPECT_NE(refusal({gauge}).find("only a counter's name may"), std::string::npos);
  gauge.type = Type::counter;
  EXPECT_EQ(refusal({gauge}), "");
}

TEST(UserCatalogue, NamesForPrometheusEndInNothingOfHistograms) {
  EXPECT_EQ(user_family_name("gpu_nodes"), "flux_user_gpu_nodes");
  EXPECT_EQ(user_family_name("gpu_nodes_count"), "flux_user_gpu_nodes");
  EXPECT_EQ(user_family_name("a_sum_count"), "flux_user_a");
  EXPECT_EQ(user_family_name("a_bucket"), "flux_user_a");
  EXPECT_EQ(user_family_name("_count"), "flux_user__count");
  EXPECT_EQ(user_family_name("a_total"), "flux_user_a_total");
}

class UserReadings : public testing::Test {
 protected:
  static std::shared_ptr<const instance::InstanceState> make_state() {
    InstanceBuilder made(2);
    made.online("0-1");
    return std::make_shared<const instance::InstanceState>(made);
  }
  [[nodiscard]] const Family& family() const {
    snapshot_ = store_.view().snapshot;
    return *snapshot_->find("job_held_count");
  }
  static Reading reading(double value, Now when) {
    return {.items = std::vector<Item>{{.labels = {{"queue", "batch"}}, .value = value}}, .measured = when};
  }

  Now start_ = Now::read();
  Store store_;
  Publisher publisher_{
      {}, false, store_, {.catalogue = *Catalogue::with({held()}), .max_staleness = Seconds(30)}};
  mutable std::shared_ptr<const Snapshot> snapshot_;
};

TEST_F(UserReadings, AreMissingUntilTheFirst) {
  publisher_.on_state(make_state(), start_);
  ASSERT_TRUE(family().missing);
  EXPECT_EQ(family().missing->code, Code::unavailable);
  EXPECT_TRUE(snapshot_->awaits_user());
}

TEST_F(UserReadings, AreSeenAtOnceAndMakeASnapshotOfTheirOwn) {
  publisher_.on_state(make_state(), start_);
  const auto before = store_.view().snapshot;
  publisher_.on_readings({{.index = 0, .reading = reading(7, start_)}});
  ASSERT_FALSE(family().missing);
  EXPECT_EQ(family().items.front().value, 7);
  EXPECT_FALSE(snapshot_->awaits_user());
  EXPECT_GT(snapshot_->generation, before->generation);
  EXPECT_EQ(snapshot_->confirmed.mono, before->confirmed.mono);

  ExpositionWriter writer(ExpositionFormat::text);
  expose_instance(*snapshot_, writer);
  EXPECT_NE(writer.text().find("# HELP flux_user_job_held Jobs that somebody holds.\n"
                               "# TYPE flux_user_job_held gauge\n"
                               "flux_user_job_held{queue=\"batch\"} 7\n"),
            std::string::npos)
      << writer.text();
}

TEST_F(UserReadings, SayNothingOfTheBroker) {
  publisher_.on_state(make_state(), start_);
  store_.set_trouble("the broker is gone");
  publisher_.on_readings({{.index = 0, .reading = reading(7, start_)}});
  EXPECT_EQ(store_.view().trouble, "the broker is gone");
  EXPECT_EQ(store_.view().returns, 0U);
}

TEST_F(UserReadings, KeepTheirOwnTimeAndAreNoValueWhenTooOld) {
  const auto state = make_state();
  publisher_.on_readings({{.index = 0, .reading = reading(7, start_)}});
  const auto at = [&](std::chrono::seconds later) {
    return Now{.wall = start_.wall + later, .mono = start_.mono + later};
  };
  publisher_.on_state(state, at(20s));
  EXPECT_FALSE(family().missing);
  EXPECT_EQ(snapshot_->time_of(family()), start_.wall);
  EXPECT_EQ(snapshot_->time_of(*snapshot_->find("node_up_count")), start_.wall + 20s);
  publisher_.on_state(state, at(31s));
  ASSERT_TRUE(family().missing);
  EXPECT_EQ(family().missing->message,
            fmt::format("it was last computed at {}, longer ago than the 30 s that a value is kept",
                        format_rfc3339(start_.wall)));
  const auto told = family().missing->message;
  publisher_.on_state(state, at(50s));
  EXPECT_EQ(family().missing->message, told);
}

TEST_F(UserReadings, OfAStateAreAsTrueAsTheState) {
  const auto state = make_state();
  publisher_.on_state(state, start_);
  auto of_state = reading(7, start_);
  of_state.state = state;
  publisher_.on_readings({{.index = 0, .reading = std::move(of_state)}});
  publisher_.on_state(state, {.wall = start_.wall + 100s, .mono = start_.mono + 100s});
  EXPECT_FALSE(family().missing);
  EXPECT_EQ(snapshot_->time_of(family()), start_.wall + 100s);
  publisher_.on_state(make_state(), {.wall = start_.wall + 200s, .mono = start_.mono + 200s});
  EXPECT_TRUE(family().missing);
}

}  // namespace
}  // namespace fluxmetrics::metrics
