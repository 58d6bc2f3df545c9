// Certificates made in the test: CAs, and leaves that they sign.
#pragma once

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string>
#include <utility>
#include <vector>

#include "http/openssl_ptr.hpp"
#include "http/tls.hpp"

namespace fluxmetrics::testing {

// One certificate with its key; a CA signs others.
class TestCertificate {
 public:
  struct Wish {
    std::vector<std::pair<std::string, std::string>> subject;  // {"CN", "alice"}, {"O", "devs"}
    std::string uses = "clientAuth";                           // "" = no such extension
    std::string names = {};                                    // subjectAltName
    long begins = -60;                                         // seconds from now
    long ends = 3600;
    bool authority = false;
  };

  static TestCertificate authority(const std::string& name) {
    return TestCertificate({.subject = {{"CN", name}}, .uses = "", .authority = true}, nullptr);
  }
  [[nodiscard]] TestCertificate sign(const Wish& wish) const { return TestCertificate(wish, this); }

  [[nodiscard]] std::string pem() const {
    return text([this](BIO* bio) { return PEM_write_bio_X509(bio, certificate_.get()); });
  }
  [[nodiscard]] std::string key_pem() const {
    return text([this](BIO* bio) {
      return PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  [[nodiscard]] std::string der() const {
    return text([this](BIO* bio) { return i2d_X509_bio(bio, certificate_.get()); });
  }
  [[nodiscard]] http::KeyPair pair() const { return {.certificate = pem(), .key = key_pem()}; }

 private:
  TestCertificate(const Wish& wish, const TestCertificate* issuer)
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509* made = certificate_.get();
    const TestCertificate& signer = issuer == nullptr ? *this : *issuer;
    X509_set_version(made, 2);
    static long serial = 1;
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), wish.begins);
    X509_gmtime_adj(X509_getm_notAfter(made), wish.ends);
    for (const auto& [key, value] : wish.subject) {
      const auto* bytes = reinterpret_cast<const unsigned char*>(value.c_str());
      X509_NAME_add_entry_by_txt(X509_get_subject_name(made), key.c_str(), MBSTRING_UTF8, bytes, -1, -1, 0);
    }
    X509_set_issuer_name(made, X509_get_subject_name(signer.certificate_.get()));
    X509_set_pubkey(made, key_.get());
    extend(NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!wish.uses.empty()) extend(NID_ext_key_usage, wish.uses);
    if (!wish.names.empty()) extend(NID_subject_alt_name, wish.names);
    EXPECT_GT(X509_sign(made, signer.key_.get(), EVP_sha256()), 0);
  }

  void extend(int nid, const std::string& value) {
    const http::openssl::Extension extension(X509V3_EXT_nconf_nid(nullptr, nullptr, nid, value.c_str()));
    EXPECT_EQ(X509_add_ext(certificate_.get(), extension.get(), -1), 1) << value;
  }

  template <class Write>
  static std::string text(Write write) {
    const http::openssl::Bio bio(BIO_new(BIO_s_mem()));
    EXPECT_EQ(write(bio.get()), 1);
    char* data = nullptr;
    const long size = BIO_ctrl(bio.get(), BIO_CTRL_INFO, 0, &data);
    return {data, static_cast<std::size_t>(size)};
  }

  http::openssl::Key key_;
  http::openssl::Certificate certificate_;
};

}  // namespace fluxmetrics::testing
