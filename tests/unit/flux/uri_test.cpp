#include "flux/uri.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::flux {
namespace {

TEST(Uri, finds_the_socket) {
  EXPECT_EQ(local_socket_path("local:///run/flux/local"), "/run/flux/local");
  EXPECT_EQ(local_socket_path("local:///tmp/with%20space/%2525"), "/tmp/with space/%25");
  EXPECT_EQ(local_socket_path("local:///" + std::string(106, 'x'))->size(), 107U);
}

TEST(Uri, refuses_other_connectors_with_a_way_out) {
  const auto ssh = local_socket_path("ssh://host/run/flux/local");
  ASSERT_FALSE(ssh);
  EXPECT_EQ(ssh.error().code, Code::unsupported);
  EXPECT_NE(ssh.error().message.find("run this program on that host"), std::string::npos);
  for (const char* uri : {"fd://5", "interthread://x", "loop://", "https://x"}) {
    const auto path = local_socket_path(uri);
    ASSERT_FALSE(path) << uri;
    EXPECT_EQ(path.error().code, Code::unsupported) << uri;
  }
}

TEST(Uri, refuses_bad_paths) {
  for (const std::string& uri :
       {std::string(), std::string("local://"), std::string("local://relative"),
        std::string("/run/flux/local"), std::string("local:///a%2"), std::string("local:///a%zz"),
        std::string("local:///a%00b"), std::string("local:///a%-1"), "local:///" + std::string(107, 'x')}) {
    const auto path = local_socket_path(uri);
    ASSERT_FALSE(path) << uri;
    EXPECT_EQ(path.error().code, Code::invalid) << uri;
    EXPECT_NE(path.error().message.find(uri), std::string::npos);
  }
}

TEST(Uri, knows_where_brokers_listen) {
  EXPECT_EQ(default_socket_paths(),
            (std::vector<std::string>{"/run/flux/local", "/mnt/flux/config/run/flux/local"}));
}

}  // namespace
}  // namespace fluxmetrics::flux
