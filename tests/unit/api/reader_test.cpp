#include "api/reader.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::api {
namespace {

TEST(Reader, IsAPersonUnlessItMayBeAnAutoscaler) {
  for (const char* program : {"system:serviceaccount:kube-system:horizontal-pod-autoscaler",
                              "system:kube-controller-manager", "system:serviceaccount:keda:keda-operator"}) {
    EXPECT_FALSE(reader_named(program).person) << program;
    EXPECT_EQ(reader_named(program).name, program);
  }
  for (const char* unknown : {"", "-", "system:anonymous"}) {
    EXPECT_FALSE(reader_named(unknown).person) << "it may be anybody";
    EXPECT_EQ(reader_named(unknown).name, "");
  }
  for (const char* person : {"ada", "kubernetes-admin", "system:admin"})
    EXPECT_TRUE(reader_named(person).person) << person;
}

}  // namespace
}  // namespace fluxmetrics::api
