#include "kube/cluster_access.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace fluxmetrics::kube {
namespace {

class ClusterAccessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "kube_test.XXXXXX").string();
    directory = ::mkdtemp(name.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(directory / name) << text;
    return (directory / name).string();
  }
  // A kubeconfig with the given lines in its cluster and its user.
  std::string config(const std::string& cluster, const std::string& user) const {
    return write("config",
                 "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
                 "contexts:\n- name: there\n  context: {cluster: none, user: none}\n"
                 "- name: here\n  context: {cluster: c, user: u}\n"
                 "clusters:\n- name: c\n  cluster: {server: 'https://10.0.0.1:6443'" +
                     cluster + "}\nusers:\n- name: u\n  user: {" + user + "}\n");
  }
  static std::string problem(const std::string& path) {
    const auto read = read_kubeconfig(path);
    return read ? "none" : read.error().message;
  }

  std::filesystem::path directory;
};

TEST_F(ClusterAccessTest, ReadsDataAndFilesOfTheCurrentContext) {
  write("ca.pem", "the CA");
  write("token", "from the file\n");
  const auto read = read_kubeconfig(config(", certificate-authority: ca.pem, tls-server-name: kubernetes",
                                           "client-certificate-data: Y2VydA==, client-key-data: a2V5, "
                                           "token: written, tokenFile: token"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->server, "https://10.0.0.1:6443");
  EXPECT_EQ(read->tls_server_name, "kubernetes");
  EXPECT_TRUE(read->verify);
  EXPECT_EQ(read->ca, "the CA") << "relative to the kubeconfig";
  EXPECT_EQ(read->certificate, "cert");
  EXPECT_EQ(read->key, "key");
  EXPECT_EQ(read->token, "from the file");
  EXPECT_FALSE(read_kubeconfig(config(", insecure-skip-tls-verify: true", "token: t"))->verify);
}

TEST_F(ClusterAccessTest, SaysWhatCannotBeUsed) {
  EXPECT_TRUE(problem((directory / "none").string()).contains("does not exist"));
  EXPECT_TRUE(problem(write("junk", "{{")).contains("is not YAML"));
  EXPECT_TRUE(problem(write("list", "[1]")).contains("holds no YAML map"));
  EXPECT_TRUE(problem(write("empty", "kind: Config\n")).contains("no current-context"));
  EXPECT_TRUE(problem(write("lost", "current-context: x\n")).contains("has no context 'x'"));
  const auto with_user = [this](const std::string& user) { return problem(config("", user)); };
  EXPECT_TRUE(
      with_user("exec: {command: aws}").contains("starts another program for its credentials (exec)"));
  EXPECT_TRUE(with_user("exec: {command: aws}").contains("the user 'u' of the kubeconfig"));
  EXPECT_TRUE(with_user("auth-provider: {name: gcp}").contains("auth-provider"));
  EXPECT_TRUE(with_user("username: me, password: p").contains("with name and password"));
  EXPECT_TRUE(with_user("client-certificate-data: Y2VydA==").contains("must be given together"));
  EXPECT_TRUE(with_user("client-certificate-data: '!!', client-key-data: a2V5").contains("is not base64"));
  EXPECT_TRUE(with_user("tokenFile: nowhere").contains("nowhere"));
  EXPECT_TRUE(
      problem(config(", certificate-authority-data: Y2E=, insecure-skip-tls-verify: true", "token: t"))
          .contains("keep one"));
  EXPECT_TRUE(problem(config(", proxy-url: 'http://p'", "token: t")).contains("proxy"));
  EXPECT_TRUE(with_user("token: t, password: p").contains("with name and password"));
  EXPECT_TRUE(with_user("token: t, as: someone").contains("impersonates"));
  EXPECT_TRUE(with_user("token: t, as-uid: '5'").contains("impersonates"));
  EXPECT_TRUE(with_user("token: t, as-groups: [g]").contains("impersonates"));
  EXPECT_TRUE(with_user("token: t, as-user-extra: {a: [b]}").contains("impersonates"));
}

TEST_F(ClusterAccessTest, TakesEmptyFieldsForAbsentOnes) {
  const auto read = read_kubeconfig(config(
      ", proxy-url: '', tls-server-name: \"\", certificate-authority: '', certificate-authority-data: '', "
      "insecure-skip-tls-verify: ",
      "token: t, username: \"\", password: '', as: '', as-uid: '', as-groups: [], as-user-extra: {}, "
      "client-certificate: '', client-certificate-data: '', client-key: '', client-key-data: '', "
      "tokenFile: '', exec: null, auth-provider: ~"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->verify);
  EXPECT_EQ(read->token, "t");
  const auto without_user =
      write("nobody",
            "current-context: a\ncontexts: [{name: a, context: {cluster: a, user: ''}}]\n"
            "clusters: [{name: a, cluster: {server: 'https://a'}}]\nusers:\n");
  EXPECT_EQ(problem(without_user), "none");
  EXPECT_EQ(problem(config("", "")), "none") << "a user without credentials";
}

TEST_F(ClusterAccessTest, ReadsYamlAsClientGoDoes) {
  for (const auto* yes : {"True", "yes", "on", "y", "TRUE"})
    EXPECT_FALSE(
        read_kubeconfig(config(fmt::format(", insecure-skip-tls-verify: {}", yes), "token: t"))->verify);
  for (const auto* no : {"False", "no", "off", "n", "~"})
    EXPECT_TRUE(
        read_kubeconfig(config(fmt::format(", insecure-skip-tls-verify: {}", no), "token: t"))->verify);
  for (const auto* neither : {"'true'", "1", "''"})
    EXPECT_TRUE(problem(config(fmt::format(", insecure-skip-tls-verify: {}", neither), "token: t"))
                    .ends_with("is neither true nor false: write one of them, without quotes"))
        << neither;
  EXPECT_TRUE(
      problem(config("", "token: 0123")).ends_with("is a number, not a text: write \"0123\", with quotes"));
  EXPECT_TRUE(problem(config("", "token: on"))
                  .ends_with("is a boolean, not a text: YAML reads on as true; write \"on\", with quotes"));
  const auto merged = write("merged",
                            "\xef\xbb\xbf---\nx: &at {server: 'https://a', tls-server-name: b}\n"
                            "current-context: \"1\"\ncontexts: [{name: '1', context: {cluster: c}}]\n"
                            "clusters: [{name: c, cluster: {<<: *at, tls-server-name: d}}]\n"
                            "---\nwhat: client-go does not read\n");
  ASSERT_EQ(problem(merged), "none");
  EXPECT_EQ(read_kubeconfig(merged)->tls_server_name, "d");
  EXPECT_TRUE(problem(write("twice", "current-context: a\ncontexts: [{name: a}, {name: a}]\n"))
                  .contains("has two contexts 'a'"));
}

TEST_F(ClusterAccessTest, ReadsThePodsAccount) {
  write("token", "t\n");
  write("ca.crt", "CA");
  const auto read = read_pod_account({.directory = directory.string(), .host = "fd00::1", .port = "443"});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->server, "https://[fd00::1]:443");
  EXPECT_EQ(read->token, "t");
  EXPECT_EQ(read->ca, "CA");
}

TEST_F(ClusterAccessTest, FollowsItsFilesAndKeepsWhatItHasWhenTheyBreak) {
  write("token", "one");
  write("ca.crt", "CA");
  auto source = AccessSource::pod({.directory = directory.string(), .host = "10.0.0.1", .port = "443"});
  auto now = std::chrono::steady_clock::now();
  const auto first = source.current(now).value();
  EXPECT_EQ(first->token, "one");
  write("token", "two");
  EXPECT_EQ(source.current(now).value(), first) << "looks once a second";
  EXPECT_EQ(source.current(now, true).value()->token, "two");
  write("token", "three");
  now += std::chrono::seconds(2);
  const auto third = source.current(now).value();
  EXPECT_EQ(third->token, "three");
  std::filesystem::remove(directory / "token");
  EXPECT_EQ(source.current(now, true).value(), third);
  EXPECT_FALSE(AccessSource::kubeconfig("nowhere").current(now));
}

}  // namespace
}  // namespace fluxmetrics::kube
