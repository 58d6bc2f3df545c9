#include "http/tls_context.hpp"

#include <array>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <vector>

#include "base/log.hpp"
#include "http/certificate.hpp"
#include "http/openssl_ptr.hpp"

namespace fluxmetrics::http {
namespace {

using openssl::last_error;

// OpenSSL asks here for the password of an encrypted key; we only note that it asked.
int note_encryption(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

// A client that offers neither is told so in HTTP, not by a failed handshake.
int select_protocol(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void* /*unused*/) {
  static constexpr std::array<unsigned char, 12> ours = {2,   'h', '2', 8,   'h', 't',
                                                         't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, ours.data(), static_cast<unsigned int>(ours.size()), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int accept_unverified(X509_STORE_CTX* /*chain*/, void* /*unused*/) {
  return 1;
}

Result<void> use_certificate(SSL_CTX* context, const KeyPair& pair, const std::string& where) {
  const auto bio = openssl::memory(pair.certificate);
  const openssl::Certificate leaf(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return fail(Code::invalid, "{} holds no usable PEM certificate: {}", where, last_error());
  }
  while (openssl::Certificate next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) {
      return fail(Code::invalid, "the chain in {} cannot be used: {}", where, last_error());
    }
  }
  ERR_clear_error();  // the end of the file is reported as an error
  return {};
}

Result<void> use_key(SSL_CTX* context, const KeyPair& pair,
                     const std::pair<std::string, std::string>& where) {
  const auto bio = openssl::memory(pair.key);
  bool encrypted = false;
  const openssl::Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, note_encryption, &encrypted));
  if (encrypted) {
    return fail(Code::invalid,
                "{} is encrypted with a password: decrypt it (openssl pkey -in KEY -out NEW) first",
                where.second);
  }
  if (!key) return fail(Code::invalid, "{} holds no usable PEM private key: {}", where.second, last_error());
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return fail(Code::invalid, "{} is not the key of {}: the two do not belong together", where.second,
                where.first);
  }
  return {};
}

// A certificate in the bundle is trusted as it is, whoever signed it.
Result<void> trust(SSL_CTX* context, const ClientTls& tls) {
  const auto bio = openssl::memory(tls.ca);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  bool any = false;
  while (openssl::Certificate next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_cert(store, next.get()) != 1) {
      return fail(Code::invalid, "the CA of {} cannot be used: {}", tls.where, last_error());
    }
    any = true;
  }
  if (!any)
    return fail(Code::invalid, "the CA of {} holds no usable PEM certificate: {}", tls.where, last_error());
  ERR_clear_error();  // the end of the text is reported as an error
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

TlsContext share(openssl::Context context) {
  return {context.release(), SSL_CTX_free};
}

std::string file_stamp(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return "none";
  return fmt::format("{}.{}/{}/{}", info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ino, info.st_size);
}

// No client accepts an expired certificate: better said at once than found out one connection at a time.
Result<void> check_dates(const KeyPair& pair, const std::string& where) {
  const auto facts = inspect_certificate(pair.certificate, {});
  if (!facts)
    return fail(Code::invalid, "{} holds no usable PEM certificate: {}", where, facts.error().message);
  const auto now = Now::read().wall;
  if (facts->expires <= now) {
    return fail(Code::invalid, "{} expired at {}: renew it, or omit it to use a self-signed one", where,
                format_rfc3339(facts->expires));
  }
  if (facts->begins > now) {
    log::warning("{} is not valid before {}: clients refuse it until then", where,
                 format_rfc3339(facts->begins));
  }
  return {};
}

}  // namespace

Result<TlsContext> make_server_context(const KeyPair& pair,
                                       const std::pair<std::string, std::string>& where) {
  openssl::Context context(SSL_CTX_new(TLS_server_method()));
  if (!context) return fail(Code::internal, "OpenSSL has no TLS: {}", last_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(),
                      SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_alpn_select_cb(context.get(), select_protocol, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  // A client may show a certificate; whether it is worth anything is decided for each request, by CAs that
  // change while connections live. A resumed session would not show it again, so there are none.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context.get(), accept_unverified, nullptr);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  if (auto used = use_certificate(context.get(), pair, where.first); !used)
    return std::unexpected(used.error());
  if (auto used = use_key(context.get(), pair, where); !used) return std::unexpected(used.error());
  return share(std::move(context));
}

Result<TlsContext> make_client_context(const std::string& ca_file) {
  openssl::Context context(SSL_CTX_new(TLS_client_method()));
  if (!context) return fail(Code::internal, "OpenSSL has no TLS: {}", last_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
    return share(std::move(context));
  }
  if (auto text = read_pem_file(ca_file, "CA"); !text) return std::unexpected(text.error());
  if (SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) != 1) {
    return fail(Code::invalid, "the CA file '{}' holds no usable PEM certificate: {}", ca_file, last_error());
  }
  // A certificate in the file is trusted as it is, whoever signed it.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context.get()), X509_V_FLAG_PARTIAL_CHAIN);
  return share(std::move(context));
}

Result<TlsContext> make_client_context(const ClientTls& tls) {
  openssl::Context context(SSL_CTX_new(TLS_client_method()));
  if (!context) return fail(Code::internal, "OpenSSL has no TLS: {}", last_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), tls.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (tls.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else if (auto trusted = trust(context.get(), tls); !trusted) {
    return std::unexpected(trusted.error());
  }
  if (tls.identity.certificate.empty() && tls.identity.key.empty()) return share(std::move(context));
  const std::pair where(fmt::format("the client certificate of {}", tls.where),
                        fmt::format("the client key of {}", tls.where));
  if (auto used = use_certificate(context.get(), tls.identity, where.first); !used)
    return std::unexpected(used.error());
  if (auto used = use_key(context.get(), tls.identity, where); !used) return std::unexpected(used.error());
  return share(std::move(context));
}

Result<ServingContext> ServingContext::load(ServingCertificate options) {
  if (options.cert_file.empty() != options.key_file.empty()) {
    return fail(Code::invalid, "{} was given without {}: a certificate and its key must be given together",
                options.key_file.empty() ? "a certificate file" : "a key file",
                options.key_file.empty() ? "a key file" : "a certificate file");
  }
  ServingContext serving(std::move(options));
  auto loaded = serving.options_.cert_file.empty() ? serving.make_own() : serving.reload();
  if (!loaded) return std::unexpected(loaded.error());
  return serving;
}

std::string ServingContext::stamp() const {
  return file_stamp(options_.cert_file) + " " + file_stamp(options_.key_file);
}

Result<void> ServingContext::reload() {
  stamp_ = stamp();  // before reading: a change in between is seen at the next check
  auto pair = read_key_pair(options_.cert_file, options_.key_file);
  if (!pair) return std::unexpected(pair.error());
  const auto certificate = fmt::format("the certificate file '{}'", options_.cert_file);
  auto context =
      make_server_context(*pair, {certificate, fmt::format("the key file '{}'", options_.key_file)});
  if (!context) return std::unexpected(context.error());
  if (auto dates = check_dates(*pair, certificate); !dates) return dates;
  context_ = std::move(*context);
  return {};
}

Result<void> ServingContext::make_own() {
  auto pair = options_.cert_dir.empty() ? make_self_signed(options_.names)
                                        : find_or_make_self_signed(options_.cert_dir, options_.names);
  if (!pair) return std::unexpected(pair.error());
  const auto place = options_.cert_dir.empty() ? "memory" : "'" + options_.cert_dir + "'";
  auto context = make_server_context(
      *pair, {fmt::format("the self-signed certificate in {}", place), fmt::format("the key in {}", place)});
  if (!context) return std::unexpected(context.error());
  auto facts = inspect_certificate(pair->certificate, {});
  if (!facts) return std::unexpected(facts.error());
  context_ = std::move(*context);
  renew_at_ = facts->expires - renewal_margin;
  return {};
}

TlsContext ServingContext::current(MonoTime now) {
  if (now - checked_ < std::chrono::seconds(1)) return context_;
  checked_ = now;
  if (options_.cert_file.empty()) {
    if (Now::read().wall < renew_at_) return context_;
    renew_at_ = Now::read().wall + std::chrono::hours(1);  // when it fails
    if (auto made = make_own(); !made) {
      log::warning("the self-signed certificate could not be renewed: {}", made.error().message);
    }
    return context_;
  }
  if (stamp() == stamp_) return context_;
  if (auto loaded = reload(); loaded) {
    log::info("read the changed certificate '{}' and its key again", options_.cert_file);
  } else {
    log::warning("the changed certificate is not used, the previous one stays: {}", loaded.error().message);
  }
  return context_;
}

}  // namespace fluxmetrics::http
