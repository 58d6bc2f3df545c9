#include "http/tls_engine.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "http/fixture.hpp"
#include "http/openssl_ptr.hpp"

namespace fluxmetrics::http {
namespace {

using Progress = TlsEngine::Progress;

// Carries bytes between two engines until neither has any.
void carry(TlsEngine& one, TlsEngine& other) {
  while (!one.output().empty() || !other.output().empty()) {
    other.feed(one.output());
    one.sent();
    one.feed(other.output());
    other.sent();
  }
}

Progress shake_hands(TlsEngine& client, TlsEngine& server) {
  Progress last = Progress::needs_input;
  for (int round = 0; round < 10; ++round) {
    const auto ours = client.handshake();
    last = server.handshake();
    carry(client, server);
    if (ours == Progress::failed || (ours == Progress::done && last == Progress::done)) return ours;
  }
  return last;
}

struct Ends {
  TemporaryDirectory directory;
  KeyPair pair = make_self_signed({"metrics.example"}).value();
  TlsContext server_context = make_server_context(pair, {"certificate", "key"}).value();
  TlsContext client_context = make_client_context(directory.write("ca.pem", pair.certificate)).value();
  TlsEngine server = TlsEngine::server(server_context);
};

TEST(TlsEngine, CarriesBytesBothWaysWhateverTheirSize) {
  Ends ends;
  auto client = TlsEngine::client(ends.client_context, "metrics.example");
  ASSERT_EQ(shake_hands(client, ends.server), Progress::done) << client.failure();
  const std::string text(100'000, 'x');
  ASSERT_EQ(client.write(text), Progress::done);
  carry(client, ends.server);
  std::string got;
  std::vector<char> space(5000);
  std::size_t count = 0;
  while (ends.server.read(space, count) == Progress::done)
    got.append(space.data(), count);
  EXPECT_EQ(got, text);
  EXPECT_EQ(ends.server.read(space, count), Progress::needs_input);
  EXPECT_TRUE(ends.server.peer_certificates().empty());
  client.close();
  carry(client, ends.server);
  EXPECT_EQ(ends.server.read(space, count), Progress::closed);
}

TEST(TlsEngine, ShowsTheCertificatesOfAClientUnverified) {
  Ends ends;
  const auto own = make_self_signed({"client"}).value();
  const auto bio = openssl::memory(own.certificate);
  const openssl::Certificate leaf(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  const auto key_bio = openssl::memory(own.key);
  const openssl::Key key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  SSL_CTX_use_certificate(ends.client_context.get(), leaf.get());
  SSL_CTX_use_PrivateKey(ends.client_context.get(), key.get());
  auto client = TlsEngine::client(ends.client_context, "metrics.example");
  ASSERT_EQ(shake_hands(client, ends.server), Progress::done) << client.failure();
  const auto chain = ends.server.peer_certificates();
  ASSERT_EQ(chain.size(), 1U);
  const auto* bytes = reinterpret_cast<const unsigned char*>(chain[0].data());
  const openssl::Certificate seen(d2i_X509(nullptr, &bytes, static_cast<long>(chain[0].size())));
  EXPECT_EQ(X509_cmp(seen.get(), leaf.get()), 0);
}

TEST(TlsEngine, RefusesAServerOfAnotherName) {
  Ends ends;
  auto client = TlsEngine::client(ends.client_context, "other.example");
  EXPECT_EQ(shake_hands(client, ends.server), Progress::failed);
  EXPECT_TRUE(client.certificate_problem().contains("mismatch")) << client.certificate_problem();
}

TEST(TlsEngine, SaysWhatIsWrongWithGarbage) {
  Ends ends;
  ends.server.feed("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(ends.server.handshake(), Progress::failed);
  EXPECT_FALSE(ends.server.failure().empty());
}

}  // namespace
}  // namespace fluxmetrics::http
