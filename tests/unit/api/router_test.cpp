#include "api/router.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::api {
namespace {

using Kind = Route::Kind;

Route route(const std::string& path, const std::vector<std::string>& extra = {}) {
  return find_route(*http::parse_target(path), extra);
}

struct Case {
  const char* path;
  Kind kind;
};

class Routes : public testing::TestWithParam<Case> {};

TEST_P(Routes, AreFound) {
  EXPECT_EQ(route(GetParam().path).kind, GetParam().kind) << GetParam().path;
}

#define C "/apis/custom.metrics.k8s.io"
#define E "/apis/external.metrics.k8s.io"
INSTANTIATE_TEST_SUITE_P(
    Table, Routes,
    testing::Values(
        Case{"/", Kind::index}, Case{"/apis", Kind::document}, Case{"/apis/", Kind::document},
        Case{C, Kind::document}, Case{C "/", Kind::document}, Case{C "/v1beta1", Kind::document},
        Case{C "/v1beta2/", Kind::document}, Case{C "/v1beta3", Kind::unknown_in_group},
        Case{C "/v1beta3/a/b/c", Kind::unknown_in_group}, Case{"/apis/foo", Kind::unknown},
        Case{"/api", Kind::unknown}, Case{"/foo", Kind::unknown}, Case{"/version", Kind::document},
        Case{"/version/", Kind::document}, Case{"/version/x", Kind::unknown}, Case{"/healthz", Kind::health},
        Case{"/readyz/flux", Kind::health}, Case{C "/v1beta2/pods", Kind::unknown_in_group},
        Case{C "/v1beta2/nodes/n1", Kind::unknown_in_group}, Case{C "/v1beta2/nodes/n1/load", Kind::metric},
        Case{C "/v1beta2/nodes/n1/load/x", Kind::unknown_in_group},
        Case{C "/v1beta2/namespaces", Kind::unknown_in_group},
        Case{C "/v1beta2/namespaces/a", Kind::unknown_in_group},
        Case{C "/v1beta2/namespaces/a/m", Kind::metric},
        Case{C "/v1beta2/namespaces/a/metrics/m", Kind::metric},
        Case{C "/v1beta2/namespaces/a/pods/x", Kind::unknown_in_group},
        Case{C "/v1beta2/namespaces/a/pods/x/m", Kind::metric},
        Case{C "/v1beta2/namespaces/a/metrics/x/m", Kind::unknown_in_group},
        Case{C "/v1beta2/namespaces/a/pods/x/m/y", Kind::unknown_in_group},
        Case{E "/v1beta1/namespaces/a/m", Kind::external_metric},
        Case{E "/v1beta1/namespaces/a/m/", Kind::external_metric},
        Case{E "/v1beta1/m", Kind::unknown_in_group}, Case{E "/v1beta1/namespaces/a", Kind::unknown_in_group},
        Case{E "/v1beta1/namespaces/a/m/x", Kind::unknown_in_group},
        Case{E "/v1beta2/namespaces/a/m", Kind::unknown_in_group},
        Case{C "//v1beta2", Kind::unknown_in_group},
        Case{C "/v1beta2//namespaces/a/metrics/m", Kind::unknown_in_group}, Case{"//apis", Kind::unknown}));
#undef C
#undef E

TEST(Router, TakesPathsApart) {
  const auto namespaced = route("/apis/custom.metrics.k8s.io/v1beta1/namespaces/a/deployments.apps/%2A/m");
  EXPECT_EQ(namespaced.version, kube::MetricsVersion::v1beta1);
  EXPECT_TRUE(namespaced.metric.namespaced);
  EXPECT_EQ(namespaced.metric.namespace_, "a");
  EXPECT_EQ(namespaced.metric.resource, "deployments.apps");
  EXPECT_EQ(namespaced.metric.name, "*");
  EXPECT_EQ(namespaced.metric.metric, "m");
  const auto itself = route("/apis/custom.metrics.k8s.io/v1beta2/namespaces/a/metrics/m");
  EXPECT_FALSE(itself.metric.namespaced);
  EXPECT_EQ(itself.metric.resource, "namespaces");
  EXPECT_EQ(itself.metric.name, "a");
  const auto check = route("/livez/poststarthook/x");
  EXPECT_EQ(check.endpoint, "livez");
  EXPECT_EQ(check.check, "poststarthook/x");
}

TEST(Router, ServesASecondRoot) {
  const std::vector<std::string> extra = {"my", "metrics"};
  EXPECT_EQ(route("/my/metrics", extra).kind, Kind::document);
  EXPECT_EQ(route("/my/metrics/namespaces/a/metrics/m", extra).kind, Kind::metric);
  EXPECT_EQ(route("/my/metrics/nope", extra).kind, Kind::unknown_in_group);
  EXPECT_EQ(route("/my", extra).kind, Kind::unknown);
  EXPECT_EQ(route("/my/metricsx", extra).kind, Kind::unknown);
  EXPECT_EQ(route("/apis/custom.metrics.k8s.io/v1beta2", extra).kind, Kind::document);
  const std::vector<std::string> below = {"apis", "custom.metrics.k8s.io", "v1alpha1"};
  EXPECT_EQ(route("/apis/custom.metrics.k8s.io/v1alpha1", below).kind, Kind::document);
}

}  // namespace
}  // namespace fluxmetrics::api
