#include "http/client_certificate.hpp"

#include <ctime>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "http/openssl_ptr.hpp"

namespace fluxmetrics::http {
namespace {

using Store = std::unique_ptr<X509_STORE, openssl::Deleter<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, openssl::Deleter<X509_STORE_CTX_free>>;
using Uses = std::unique_ptr<EXTENDED_KEY_USAGE, openssl::Deleter<EXTENDED_KEY_USAGE_free>>;

void free_stack(STACK_OF(X509) * stack) {
  sk_X509_pop_free(stack, X509_free);
}
using Stack = std::unique_ptr<STACK_OF(X509), openssl::Deleter<free_stack>>;

// Signatures weaker than this (SHA-1, RSA below 1024) prove nothing.
constexpr int least_security_level = 1;

openssl::Certificate from_der(const std::string& der) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL's text type
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  return openssl::Certificate(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
}

std::vector<std::string> entries(const X509_NAME* name, int nid) {
  std::vector<std::string> found;
  for (int at = X509_NAME_get_index_by_NID(name, nid, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(name, nid, at)) {
    const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, text);
    if (size < 0) continue;
    found.emplace_back(utf8, utf8 + size);
    OPENSSL_free(utf8);
  }
  return found;
}

std::string name_text(const X509_NAME* name) {
  const openssl::Bio bio(BIO_new(BIO_s_mem()));
  constexpr auto flags = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, flags) < 0) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::vector<std::string> uses_of(const X509* certificate) {
  const Uses uses(
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr)));
  std::vector<std::string> names;
  for (int i = 0; uses && i < sk_ASN1_OBJECT_num(uses.get()); ++i) {
    const int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(uses.get(), i));
    const char* name = nid == NID_undef ? nullptr : OBJ_nid2sn(nid);
    names.emplace_back(name == nullptr ? "another" : name);
  }
  return names;
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? std::chrono::system_clock::from_time_t(::timegm(&parts))
                                            : WallTime();
}

std::string fingerprint_of(const std::string& der) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  if (EVP_Digest(der.data(), der.size(), bytes.data(), &size, EVP_sha256(), nullptr) != 1) return {};
  std::string hex;
  for (unsigned int i = 0; i < size; ++i)
    fmt::format_to(std::back_inserter(hex), "{:02x}", bytes.at(i));
  return hex;
}

// OpenSSL's words for the failures that an administrator meets, said so that they help.
std::string reason_of(int code) {
  switch (code) {
    case X509_V_ERR_INVALID_PURPOSE:
      return "its key usage does not allow it to identify a client (the extended key usage must hold "
             "clientAuth)";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "it was signed by an unknown authority";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "it, or a certificate that signed it, has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "it, or a certificate that signed it, is not valid yet";
    default:
      return X509_verify_cert_error_string(code);
  }
}

}  // namespace

Result<ClientCertificate> read_client_certificate(const std::string& der) {
  const auto certificate = from_der(der);
  if (!certificate)
    return fail(Code::invalid, "the client's certificate cannot be read: {}", openssl::last_error());
  const X509_NAME* subject = X509_get_subject_name(certificate.get());
  const auto names = entries(subject, NID_commonName);
  return ClientCertificate{.common_name = names.empty() ? std::string() : names.back(),
                           .organizations = entries(subject, NID_organizationName),
                           .fingerprint = fingerprint_of(der),
                           .subject = name_text(subject),
                           .issuer = name_text(X509_get_issuer_name(certificate.get())),
                           .uses = uses_of(certificate.get()),
                           .not_before = time_of(X509_get0_notBefore(certificate.get())),
                           .not_after = time_of(X509_get0_notAfter(certificate.get()))};
}

std::string describe(const ClientCertificate& certificate) {
  const auto uses =
      certificate.uses.empty() ? "not limited" : fmt::format("{}", fmt::join(certificate.uses, ", "));
  return fmt::format("subject '{}', issuer '{}', extended key usage {}, valid from {} to {}",
                     certificate.subject, certificate.issuer, uses, format_rfc3339(certificate.not_before),
                     format_rfc3339(certificate.not_after));
}

Result<CaPool> CaPool::parse(std::string_view pem) {
  Store store(X509_STORE_new());
  if (!store) return fail(Code::internal, "OpenSSL has no certificate store: {}", openssl::last_error());
  const auto bio = openssl::memory(pem);
  std::size_t count = 0;
  ERR_clear_error();
  while (openssl::Certificate next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_cert(store.get(), next.get()) != 1) {
      return fail(Code::invalid, "its certificate number {} cannot be used: {}", count + 1,
                  openssl::last_error());
    }
    ++count;
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!at_end)
    return fail(Code::invalid, "its certificate number {} is broken: {}", count + 1, openssl::last_error());
  ERR_clear_error();
  if (count == 0) return fail(Code::invalid, "it holds no PEM certificate");
  X509_VERIFY_PARAM* param = X509_STORE_get0_param(store.get());
  // A certificate in the pool is trusted as it is, whoever signed it.
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT);
  X509_VERIFY_PARAM_set_auth_level(param, least_security_level);
  CaPool pool;
  pool.store_ = {store.release(), X509_STORE_free};
  return pool;
}

Result<void> CaPool::verify(std::span<const std::string> chain, WallTime at) const {
  if (chain.empty()) return fail(Code::denied, "there is no certificate");
  const auto leaf = from_der(chain.front());
  if (!leaf) return fail(Code::denied, "it cannot be read: {}", openssl::last_error());
  const Stack others(sk_X509_new_null());
  for (const auto& der : chain.subspan(1)) {
    if (auto next = from_der(der); next && sk_X509_push(others.get(), next.get()) > 0)
      X509_up_ref(next.get());
  }
  const StoreContext context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), store_.get(), leaf.get(), others.get()) != 1) {
    return fail(Code::denied, "OpenSSL cannot verify it: {}", openssl::last_error());
  }
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()),
                             std::chrono::system_clock::to_time_t(at));
  const bool good = X509_verify_cert(context.get()) == 1;
  const int code = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (good) return {};
  return fail(Code::denied, "{}", reason_of(code));
}

}  // namespace fluxmetrics::http
