#include "http/client_certificate.hpp"

#include <gtest/gtest.h>

#include "http/digest.hpp"
#include "support/pki.hpp"

namespace fluxmetrics::http {
namespace {

using testing::TestCertificate;

WallTime now() {
  return std::chrono::system_clock::now();
}

std::string problem(const CaPool& pool, const std::vector<std::string>& chain, WallTime at = now()) {
  const auto verified = pool.verify(chain, at);
  return verified ? "none" : verified.error().message;
}

TEST(ClientCertificate, SaysWhoItIsFor) {
  const auto ca = TestCertificate::authority("some CA");
  const auto leaf = ca.sign({.subject = {{"O", "devs"}, {"CN", "alice"}, {"O", "ops"}}});
  const auto read = read_client_certificate(leaf.der()).value();
  EXPECT_EQ(read.common_name, "alice");
  EXPECT_EQ(read.organizations, (std::vector<std::string>{"devs", "ops"}));
  EXPECT_EQ(read.uses, std::vector<std::string>{"clientAuth"});
  EXPECT_EQ(read.issuer, "CN=some CA");
  EXPECT_EQ(read.fingerprint.size(), 64U);
  EXPECT_GT(read.not_after, now() + std::chrono::minutes(59));
  EXPECT_TRUE(describe(read).contains("issuer 'CN=some CA', extended key usage clientAuth"))
      << describe(read);
  EXPECT_EQ(read_client_certificate(ca.sign({.subject = {{"O", "devs"}}}).der())->common_name, "");
  EXPECT_FALSE(read_client_certificate("junk"));
}

TEST(CaPool, HoldsAllCertificatesOfABundle) {
  const auto one = TestCertificate::authority("one");
  const auto two = TestCertificate::authority("two");
  const auto pool = CaPool::parse("# a comment\n" + one.pem() + two.pem()).value();
  EXPECT_EQ(problem(pool, {one.sign({.subject = {{"CN", "a"}}}).der()}), "none");
  EXPECT_EQ(problem(pool, {two.sign({.subject = {{"CN", "a"}}}).der()}), "none");
  EXPECT_FALSE(CaPool::parse(""));
  EXPECT_FALSE(CaPool::parse("junk"));
  auto broken = two.pem();
  broken[broken.size() / 2] = '!';
  EXPECT_FALSE(CaPool::parse(one.pem() + broken)) << "half a bundle is no bundle";
}

TEST(CaPool, RefusesWithTheReason) {
  const auto ca = TestCertificate::authority("good");
  const auto rogue = TestCertificate::authority("good");  // the same name, another key
  const auto pool = CaPool::parse(ca.pem()).value();
  const auto named = [](std::string uses) {
    return TestCertificate::Wish{.subject = {{"CN", "a"}}, .uses = std::move(uses)};
  };
  EXPECT_EQ(problem(pool, {ca.sign(named("")).der()}), "none") << "no extended key usage allows all";
  EXPECT_EQ(problem(pool, {ca.sign(named("serverAuth,clientAuth")).der()}), "none");
  EXPECT_TRUE(problem(pool, {ca.sign(named("serverAuth")).der()}).contains("must hold clientAuth"));
  EXPECT_NE(problem(pool, {rogue.sign(named("clientAuth")).der()}), "none");
  const auto other = TestCertificate::authority("other");
  EXPECT_TRUE(problem(pool, {other.sign(named("clientAuth")).der()}).contains("unknown authority"));
  EXPECT_TRUE(problem(pool, {ca.sign(named("clientAuth")).der()}, now() + std::chrono::hours(2))
                  .contains("has expired"));
  EXPECT_TRUE(problem(pool, {ca.sign(named("clientAuth")).der()}, now() - std::chrono::hours(2))
                  .contains("not valid yet"));
  EXPECT_EQ(problem(pool, {}), "there is no certificate");
  EXPECT_NE(problem(pool, {"junk"}), "none");
}

TEST(CaPool, FollowsTheIntermediatesThatTheClientSends) {
  const auto root = TestCertificate::authority("root");
  const auto middle = root.sign({.subject = {{"CN", "middle"}}, .uses = "", .authority = true});
  const auto leaf = middle.sign({.subject = {{"CN", "a"}}});
  const auto pool = CaPool::parse(root.pem()).value();
  EXPECT_EQ(problem(pool, {leaf.der(), middle.der()}), "none");
  EXPECT_NE(problem(pool, {leaf.der()}), "none");
  // A certificate that is no CA signs nobody.
  const auto not_ca = root.sign({.subject = {{"CN", "leaf"}}});
  EXPECT_NE(problem(pool, {not_ca.sign({.subject = {{"CN", "b"}}}).der(), not_ca.der()}), "none");
  EXPECT_EQ(problem(CaPool::parse(middle.pem()).value(), {leaf.der()}), "none") << "trusted as it is";
}

TEST(SecretDigest, TellsTextsApartWithinOneProcess) {
  SecretDigest digest;
  EXPECT_EQ(digest.of("token"), digest.of("token"));
  EXPECT_NE(digest.of("token"), digest.of("token2"));
  EXPECT_NE(digest.of("token"), SecretDigest().of("token")) << "each has a secret of its own";
  EXPECT_NE(digest.of(""), SecretDigest::Value{});
}

}  // namespace
}  // namespace fluxmetrics::http
