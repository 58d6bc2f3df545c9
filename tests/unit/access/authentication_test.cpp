// Who asks: the ConfigMap, headers, certificates and token reviews.
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "access/certificate_authenticator.hpp"
#include "access/request_header.hpp"
#include "access/token_reviewer.hpp"
#include "support/pki.hpp"

namespace fluxmetrics::access {
namespace {

namespace json = boost::json;
using testing::TestCertificate;

const TestCertificate& proxies() {
  static const auto made = TestCertificate::authority("proxies");
  return made;
}
const TestCertificate& clients() {
  static const auto made = TestCertificate::authority("clients");
  return made;
}

json::object config_data() {
  return {{"client-ca-file", clients().pem()},
          {"requestheader-client-ca-file", proxies().pem()},
          {"requestheader-allowed-names", R"(["front-proxy-client"])"},
          {"requestheader-username-headers", R"(["X-Remote-User","X-Other-User"])"},
          {"requestheader-uid-headers", R"(["X-Remote-Uid"])"},
          {"requestheader-group-headers", R"(["X-Remote-Group"])"},
          {"requestheader-extra-headers-prefix", R"(["X-Remote-Extra-"])"}};
}

std::string parse_problem(json::object data, const char* key, const char* value) {
  data[key] = value;
  const auto parsed = parse_authentication_config(data);
  return parsed ? "none" : parsed.error().message;
}

TEST(AuthenticationConfig, IsReadFromTheConfigMap) {
  const auto config = parse_authentication_config(config_data()).value();
  ASSERT_TRUE(config.client_authority && config.request_header);
  EXPECT_EQ(config.request_header->allowed_names, std::vector<std::string>{"front-proxy-client"});
  EXPECT_EQ(config.request_header->user_headers.size(), 2U);
  const auto empty = parse_authentication_config({}).value();
  EXPECT_FALSE(empty.client_authority || empty.request_header);
}

TEST(AuthenticationConfig, NamesTheKeyThatIsWrong) {
  EXPECT_TRUE(parse_problem(config_data(), "client-ca-file", "junk")
                  .contains("the key client-ca-file of the ConfigMap"));
  EXPECT_TRUE(parse_problem(config_data(), "requestheader-client-ca-file", "junk")
                  .contains("requestheader-client-ca-file"));
  for (const char* key :
       {"requestheader-allowed-names", "requestheader-username-headers", "requestheader-group-headers"}) {
    EXPECT_TRUE(parse_problem(config_data(), key, "not JSON").contains(key));
    EXPECT_TRUE(parse_problem(config_data(), key, "[1]").contains(key));
    EXPECT_EQ(parse_problem(config_data(), key, ""), "none");
    EXPECT_EQ(parse_problem(config_data(), key, "null"), "none");
  }
}

TEST(AuthenticationState, CountsConfigurationsAndTellsTroubleUntilTheFirst) {
  AuthenticationState state;
  EXPECT_EQ(state.generation(), 0U);
  EXPECT_FALSE(state.view().trouble.empty());
  state.set_trouble("forbidden");
  EXPECT_EQ(state.view().trouble, "forbidden");
  state.publish({});
  state.set_trouble("gone");
  EXPECT_EQ(state.view().trouble, "");
  state.publish({});
  EXPECT_EQ(state.generation(), 2U);
  EXPECT_EQ(state.view().config->generation, 2U);
}

TEST(RequestHeader, ReadsUserGroupsUidAndExtra) {
  const auto config = parse_authentication_config(config_data())->request_header.value();
  const http::Headers headers{{"x-remote-user", "bob"},         {"X-Remote-Group", "g1"},
                              {"X-REMOTE-GROUP", "g2"},         {"X-Remote-Group", ""},
                              {"X-Remote-Uid", "u-1"},          {"X-Remote-Extra-Scopes", "a"},
                              {"x-remote-extra-scopes", "b"},   {"X-Remote-Extra-Example.com%2fP", "p"},
                              {"X-Remote-Extra-Broken%2", "q"}, {"Accept", "*/*"}};
  const auto identity = identity_from_headers(headers, config).value();
  EXPECT_EQ(identity.name, "bob");
  EXPECT_EQ(identity.uid, "u-1");
  EXPECT_EQ(identity.groups, (std::vector<std::string>{"g1", "g2"}));
  EXPECT_EQ(identity.extra.at("scopes"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(identity.extra.at("example.com/p"), std::vector<std::string>{"p"});
  EXPECT_EQ(identity.extra.at("broken%2"), std::vector<std::string>{"q"});
  EXPECT_EQ(identity_from_headers({{"X-Remote-User", ""}, {"X-Other-User", "eve"}}, config)->name, "eve");
  EXPECT_FALSE(identity_from_headers({{"X-Remote-Group", "g"}}, config));
  for (const auto& [name, value] : headers)
    EXPECT_EQ(tells_identity(name, config), name != "Accept") << name;
}

TEST(Identity, GainsTheGroupOfAllAuthenticated) {
  EXPECT_EQ(authenticated({.name = "a", .groups = {"g"}}).groups,
            (std::vector<std::string>{"g", "system:authenticated"}));
  EXPECT_EQ(authenticated({.groups = {"system:authenticated"}}).groups.size(), 1U);
  EXPECT_EQ(authenticated(anonymous()), anonymous());
}

ChainVerdict judge(const TestCertificate& certificate, json::object data = config_data()) {
  return judge_chain({certificate.der()}, parse_authentication_config(data).value(),
                     std::chrono::system_clock::now());
}

TEST(CertificateAuthenticator, KnowsProxiesAndPersons) {
  const auto proxy = judge(proxies().sign({.subject = {{"CN", "front-proxy-client"}}}));
  EXPECT_TRUE(proxy.front_proxy);
  EXPECT_FALSE(proxy.person);
  const auto alice = judge(clients().sign({.subject = {{"O", "devs"}, {"CN", "alice"}}}));
  EXPECT_FALSE(alice.front_proxy);
  ASSERT_TRUE(alice.person);
  EXPECT_EQ(alice.person->name, "alice");
  EXPECT_EQ(alice.person->groups, (std::vector<std::string>{"devs", "system:authenticated"}));
  EXPECT_FALSE(judge(clients().sign({.subject = {{"O", "devs"}}})).person) << "no common name is nobody";
}

TEST(CertificateAuthenticator, AnyNameWillDoWhereNoneAreListed) {
  auto data = config_data();
  const auto somebody = proxies().sign({.subject = {{"CN", "somebody"}}});
  EXPECT_FALSE(judge(somebody).front_proxy);
  EXPECT_TRUE(judge(somebody).faults.at(0).contains("requestheader-allowed-names"))
      << judge(somebody).faults.at(0);
  data["requestheader-allowed-names"] = "[]";
  EXPECT_TRUE(judge(somebody, data).front_proxy);
}

TEST(CertificateAuthenticator, NamesSubjectIssuerUseAndKeyOfARefusal) {
  const auto verdict =
      judge(proxies().sign({.subject = {{"CN", "front-proxy-client"}}, .uses = "serverAuth"}));
  EXPECT_FALSE(verdict.front_proxy || verdict.person);
  ASSERT_EQ(verdict.faults.size(), 2U);
  for (const char* part :
       {"subject 'CN=front-proxy-client'", "issuer 'CN=proxies'", "extended key usage serverAuth",
        "requestheader-client-ca-file", "must hold clientAuth"}) {
    EXPECT_TRUE(verdict.faults[0].contains(part)) << part << " in " << verdict.faults[0];
  }
  EXPECT_TRUE(verdict.faults[1].contains("client-ca-file"));
  EXPECT_TRUE(judge(TestCertificate::authority("x"), {}).faults.empty()) << "nothing to be judged by";
}

TEST(CertificateAuthenticator, RemembersAChainUnderOneConfiguration) {
  ChainVerdicts verdicts;
  auto config = parse_authentication_config(config_data()).value();
  config.generation = 1;
  const auto certificate = clients().sign({.subject = {{"CN", "alice"}}, .ends = 30});
  const auto chain = std::make_shared<const std::vector<std::string>>(std::vector{certificate.der()});
  auto now = Now::read();
  const auto first = verdicts.of(chain, config, now);
  EXPECT_TRUE(first->person);
  EXPECT_EQ(verdicts.of(chain, config, now), first);
  config.generation = 2;
  EXPECT_NE(verdicts.of(chain, config, now), first);
  // Remembered no longer than the certificate is valid.
  now.wall += std::chrono::seconds(31);
  now.mono += std::chrono::seconds(31);
  EXPECT_FALSE(verdicts.of(chain, config, now)->person);
}

http::Fetched answered(int status, const char* body) {
  return {.status = status, .headers = {}, .body = body};
}

TEST(TokenReview, IsWrittenAndReadAsTheGoServersDo) {
  EXPECT_EQ(
      token_review_body("t<"),
      R"({"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","metadata":{},"spec":{"token":"t\u003c"},)"
      R"("status":{"user":{}}})"
      "\n");
  const auto good = read_token_review(answered(
      201,
      R"({"status":{"authenticated":true,"user":{"username":"sa","uid":"u","groups":["g"],"extra":{"k":["v"]}}}})"));
  ASSERT_TRUE(good && *good);
  EXPECT_EQ((*good)->name, "sa");
  EXPECT_EQ((*good)->groups, (std::vector<std::string>{"g", "system:authenticated"}));
  EXPECT_EQ((*good)->extra.at("k"), std::vector<std::string>{"v"});
  const auto bad = read_token_review(answered(201, R"({"status":{"authenticated":false}})"));
  ASSERT_TRUE(bad);
  EXPECT_FALSE(*bad);
  EXPECT_FALSE(read_token_review(answered(201, R"({"status":{"error":"confused"}})")));
  EXPECT_FALSE(read_token_review(answered(201, R"({"status":{"authenticated":true,"user":{}}})")));
  EXPECT_FALSE(read_token_review(answered(201, "junk")));
  EXPECT_FALSE(read_token_review(answered(500, "{}")));
  EXPECT_TRUE(read_token_review(answered(403, R"({"message":"no"})"))
                  .error()
                  .message.contains("system:auth-delegator"));
}

}  // namespace
}  // namespace fluxmetrics::access
