#include "http/tls.hpp"

#include <fstream>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sstream>

#include "http/certificate.hpp"
#include "http/client.hpp"
#include "http/fixture.hpp"
#include "http/openssl_ptr.hpp"
#include "http/tls_context.hpp"

namespace fluxmetrics::http {
namespace {

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// A pair in files, and a server that uses it.
struct Served {
  TemporaryDirectory directory;
  KeyPair pair = make_self_signed({"metrics.example"}).value();
  std::string cert = directory.write("cert.pem", pair.certificate);
  std::string key = directory.write("key.pem", pair.key);
  RunningServer server{{.certificate = {.cert_file = cert, .key_file = key}}};
  [[nodiscard]] FetchOptions trusting(const std::string& ca) const {
    return {.ca_file = ca, .timeout = Seconds(20)};
  }
};

std::string load_error(const std::string& cert, const std::string& key) {
  const auto loaded = ServingContext::load({.cert_file = cert, .key_file = key});
  return loaded ? "no error" : loaded.error().message;
}

std::string encrypted(const std::string& pem) {
  const auto in = openssl::memory(pem);
  const openssl::Key key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  const openssl::Bio out(BIO_new(BIO_s_mem()));
  std::string password = "secret";
  PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_256_cbc(), password.data(), 6, nullptr,
                                nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

TEST(Tls, OnePortSpeaksBoth) {
  const Served served;
  const auto plain = fetch(served.server.url("http", "/p"), {.timeout = Seconds(20)});
  const auto secure = fetch(served.server.url("https", "/s"), served.trusting(served.cert));
  ASSERT_TRUE(plain) << plain.error().message;
  ASSERT_TRUE(secure) << secure.error().message;
  EXPECT_EQ(plain->body, "GET /p plain same");
  EXPECT_EQ(secure->body, "GET /s tls same");
}

TEST(Tls, ClientsRefuseWhatTheyCannotTrust) {
  const Served served;
  const auto other = served.directory.write("other.pem", make_self_signed({}).value().certificate);
  const auto unknown = fetch(served.server.url("https", "/"), served.trusting(other));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::denied);
  EXPECT_TRUE(unknown.error().message.contains("self-signed certificate")) << unknown.error().message;
  const auto system = fetch(served.server.url("https", "/"), served.trusting(""));
  ASSERT_FALSE(system);
  EXPECT_EQ(system.error().code, Code::denied);
}

TEST(Tls, ClientsRefuseACertificateForAnotherName) {
  TemporaryDirectory directory;
  const auto context = make_client_context("");
  ASSERT_TRUE(context);
  const Served served;
  // Served for localhost and 127.0.0.1, not for 127.0.0.2, where the same server can be reached if it listens
  // there.
  FunctionHandler handler(echo);
  Server elsewhere(
      {.host = "127.0.0.2", .port = 0, .certificate = {.cert_file = served.cert, .key_file = served.key}},
      handler);
  ASSERT_TRUE(elsewhere.listen());
  std::thread thread([&] { elsewhere.run(false); });
  const auto got =
      fetch(fmt::format("https://127.0.0.2:{}/", elsewhere.port()), served.trusting(served.cert));
  elsewhere.stop();
  thread.join();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::denied);
  EXPECT_TRUE(got.error().message.contains("IP address mismatch")) << got.error().message;
}

TEST(Tls, ABrokenHelloIsOneConnectionsProblem) {
  const Served served;
  RawClient broken(served.server.port());
  broken.send(std::string("\x16\x03\x01\x00\x05hello", 10));
  broken.send(std::string(200, '\0'));
  broken.read_all();
  EXPECT_TRUE(broken.closed());
  EXPECT_TRUE(fetch(served.server.url("https", "/"), served.trusting(served.cert)));
}

// A handshake with OpenSSL as the client; returns the version agreed on, or "failed", and sends the HTTP/2
// preface.
std::string handshake(std::uint16_t port, int highest, const std::string& alpn,
                      std::string* answer = nullptr) {
  const openssl::Context context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), highest);
  RawClient raw(port);
  const std::unique_ptr<SSL, openssl::Deleter<SSL_free>> ssl(SSL_new(context.get()));
  SSL_set_fd(ssl.get(), raw.fd());
  if (!alpn.empty()) {
    SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                        static_cast<unsigned int>(alpn.size()));
  }
  if (SSL_connect(ssl.get()) != 1) {
    ERR_clear_error();
    return "failed";
  }
  const unsigned char* chosen = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl.get(), &chosen, &size);
  if (answer != nullptr) {
    SSL_write(ssl.get(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    char bytes[200];
    const int count = SSL_read(ssl.get(), bytes, sizeof bytes);
    if (count > 0) answer->assign(bytes, static_cast<std::size_t>(count));
  }
  return std::string(SSL_get_version(ssl.get())) + " " +
         (size == 0 ? "none" : std::string(reinterpret_cast<const char*>(chosen), size));
}

TEST(Tls, SpeaksVersion12And13AndOffersHttp2First) {
  const Served served;
  const auto port = served.server.port();
  EXPECT_EQ(handshake(port, TLS1_1_VERSION, ""), "failed");
  EXPECT_EQ(handshake(port, TLS1_2_VERSION, "\x08http/1.1"), "TLSv1.2 http/1.1");
  EXPECT_EQ(handshake(port, TLS1_3_VERSION, "\x08http/1.1\x02h2"), "TLSv1.3 h2");
  std::string answer;
  EXPECT_EQ(handshake(port, TLS1_3_VERSION, "\x02h3", &answer), "TLSv1.3 none");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 ")) << answer;
}

TEST(Tls, SaysWhatIsWrongWithFiles) {
  const TemporaryDirectory directory;
  const auto pair = make_self_signed({}).value();
  const auto cert = directory.write("cert", pair.certificate);
  const auto key = directory.write("key", pair.key);
  const auto other = directory.write("other", make_self_signed({}).value().key);
  const auto junk = directory.write("junk", "junk");
  const auto locked = directory.write("locked", encrypted(pair.key));
  EXPECT_EQ(load_error(cert, key), "no error");
  EXPECT_EQ(load_error(directory.file("none"), key),
            fmt::format("the certificate file '{}' does not exist", directory.file("none")));
  EXPECT_EQ(load_error(cert, directory.file("none")),
            fmt::format("the key file '{}' does not exist", directory.file("none")));
  EXPECT_EQ(load_error(directory.file(""), key),
            fmt::format("the certificate file '{}' is a directory", directory.file("")));
  EXPECT_EQ(
      load_error(cert, other),
      fmt::format(
          "the key file '{}' is not the key of the certificate file '{}': the two do not belong together",
          other, cert));
  EXPECT_TRUE(load_error("/dev/zero", key).contains("is not a file")) << load_error("/dev/zero", key);
  const auto big = directory.write("big", std::string((1U << 20U) + 1, 'x'));
  EXPECT_TRUE(load_error(cert, big).contains("larger than the 1024 KiB")) << load_error(cert, big);
  EXPECT_TRUE(load_error(junk, key).contains("holds no usable PEM certificate")) << load_error(junk, key);
  EXPECT_TRUE(load_error(cert, junk).contains("holds no usable PEM private key")) << load_error(cert, junk);
  EXPECT_TRUE(load_error(cert, locked).contains("is encrypted with a password")) << load_error(cert, locked);
  EXPECT_TRUE(load_error(cert, "").contains("without a key file"));
  EXPECT_TRUE(load_error("", key).contains("without a certificate file"));
}

TEST(Tls, SelfSignedIsForTheNamesAskedForAndThisHost) {
  const auto pair = make_self_signed({"svc.ns.svc", "10.1.2.3"}).value();
  for (const char* name : {"svc.ns.svc", "10.1.2.3", "localhost", "127.0.0.1", "::1"}) {
    EXPECT_EQ(inspect_certificate(pair.certificate, {name})->uncovered_name, "") << name;
  }
  EXPECT_EQ(inspect_certificate(pair.certificate, {"svc.ns.svc", "other"})->uncovered_name, "other");
  EXPECT_TRUE(inspect_certificate(pair.certificate, {})->own_make);
  const auto left = inspect_certificate(pair.certificate, {})->expires - Now::read().wall;
  EXPECT_GT(left, std::chrono::days(364));
  EXPECT_LT(left, std::chrono::days(366));
  EXPECT_FALSE(make_self_signed({"a,DNS:evil"}));
}

TEST(Tls, ADirectoryKeepsTheSelfSignedPair) {
  const TemporaryDirectory directory;
  const auto place = directory.file("certs");
  const auto first = find_or_make_self_signed(place, {"a"}).value();
  EXPECT_EQ(read(place + "/tls.crt"), first.certificate);
  EXPECT_EQ(std::filesystem::status(place + "/tls.key").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(find_or_make_self_signed(place, {"a"})->certificate, first.certificate);
  const auto second = find_or_make_self_signed(place, {"a", "b"}).value();
  EXPECT_NE(second.certificate, first.certificate);
  EXPECT_EQ(read(place + "/tls.key"), second.key);
  std::ofstream(place + "/tls.crt") << "somebody else's";
  const auto refused = find_or_make_self_signed(place, {"a"});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message.contains("remove it")) << refused.error().message;
}

TEST(Tls, ReadsChangedFilesAgainAndKeepsTheOldPairWhenTheyAreBroken) {
  const TemporaryDirectory directory;
  const auto first = make_self_signed({}).value();
  const auto second = make_self_signed({}).value();
  const auto cert = directory.write("cert", first.certificate);
  const auto key = directory.write("key", first.key);
  auto context = ServingContext::load({.cert_file = cert, .key_file = key}).value();
  auto now = std::chrono::steady_clock::now();
  const auto later = [&now] { return now += std::chrono::seconds(2); };

  const auto before = context.current(later());
  EXPECT_EQ(context.current(later()), before);
  directory.write("cert", second.certificate);
  EXPECT_EQ(context.current(now), before) << "looks at most once a second";
  EXPECT_EQ(context.current(later()), before) << "certificate without its key";
  directory.write("key", second.key);
  const auto after = context.current(later());
  EXPECT_NE(after, before);
  std::filesystem::remove(cert);
  EXPECT_EQ(context.current(later()), after);
}

TEST(Tls, NewConnectionsGetTheChangedCertificate) {
  const Served served;
  ASSERT_TRUE(fetch(served.server.url("https", "/"), served.trusting(served.cert)));
  const auto next = make_self_signed({}).value();
  const auto ca = served.directory.write("next.pem", next.certificate);
  served.directory.write("key.pem", next.key);
  served.directory.write("cert.pem", next.certificate);
  bool seen = false;
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
       !seen && std::chrono::steady_clock::now() < end;) {
    seen = fetch(served.server.url("https", "/"), served.trusting(ca)).has_value();
  }
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace fluxmetrics::http
