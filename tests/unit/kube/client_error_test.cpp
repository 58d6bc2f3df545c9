// The sentences were seen in statuses that kube-controller-manager 1.37 wrote.
#include "kube/client_error.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::kube {
namespace {

http::Fetched answer(int status, std::string type, std::string body) {
  return {.status = status, .headers = {{"Content-Type", std::move(type)}}, .body = std::move(body)};
}

TEST(ClientError, TakesAStatusAtItsWord) {
  const auto refused =
      answer(503, "application/json", R"({"kind":"Status","message":"Flux last answered 8 s ago"})");
  EXPECT_TRUE(is_status(refused));
  EXPECT_EQ(client_error(refused, "services.custom.metrics.k8s.io", "s"), "Flux last answered 8 s ago");
}

TEST(ClientError, HasASentenceForEveryOtherAnswer) {
  const auto gone = answer(503, "text/plain; charset=utf-8", "error trying to reach service: EOF");
  EXPECT_FALSE(is_status(gone));
  EXPECT_EQ(client_error(gone, "services.custom.metrics.k8s.io", "custom-metrics-apiserver"),
            "the server is currently unable to handle the request (get services.custom.metrics.k8s.io "
            "custom-metrics-apiserver)");
  EXPECT_EQ(client_error(answer(404, "text/plain", "404 page not found\n"), "pods.metrics.k8s.io", ""),
            "the server could not find the requested resource (get pods.metrics.k8s.io)");
  EXPECT_EQ(
      client_error(answer(500, "text/plain", " boom \"x\"\n"), "pods.metrics.k8s.io", ""),
      R"(an error on the server ("boom \"x\"") has prevented the request from succeeding (get pods.metrics.k8s.io))");
  EXPECT_EQ(client_error(answer(502, "text/html", ""), "p.m", ""),
            R"(an error on the server ("") has prevented the request from succeeding (get p.m))");
  EXPECT_EQ(client_error(answer(500, "application/json", "{}"), "p.m", ""),
            R"(an error on the server ("unknown") has prevented the request from succeeding (get p.m))");
  EXPECT_EQ(client_error(answer(418, "", ""), "p.m", "x"),
            "the server responded with the status code 418 but did not return more information (get p.m x)");
}

}  // namespace
}  // namespace fluxmetrics::kube
