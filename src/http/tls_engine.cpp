#include "http/tls_engine.hpp"

#include <algorithm>
#include <limits>
#include <openssl/x509v3.h>

#include "http/openssl_ptr.hpp"

namespace fluxmetrics::http {
namespace {

std::string der(const X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  if (size <= 0) return {};
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return text;
}

BIO* memory_bio() {
  BIO* bio = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(bio, -1);  // empty means "not yet", not the end
  return bio;
}

int int_size(std::size_t size) {
  return static_cast<int>(std::min(size, static_cast<std::size_t>(std::numeric_limits<int>::max())));
}

}  // namespace

struct TlsEngine::Impl {
  SSL* ssl = nullptr;
  BIO* in = nullptr;  // both belong to ssl
  BIO* out = nullptr;
};

void TlsEngine::Deleter::operator()(Impl* impl) const {
  SSL_free(impl->ssl);
  delete impl;
}

TlsEngine::TlsEngine(const TlsContext& context, bool is_server) : impl_(new Impl) {
  impl_->ssl = SSL_new(context.get());
  impl_->in = memory_bio();
  impl_->out = memory_bio();
  SSL_set_bio(impl_->ssl, impl_->in, impl_->out);
  if (is_server) {
    SSL_set_accept_state(impl_->ssl);
  } else {
    SSL_set_connect_state(impl_->ssl);
  }
}

TlsEngine TlsEngine::server(const TlsContext& context) {
  return {context, true};
}

TlsEngine TlsEngine::client(const TlsContext& context, const std::string& host) {
  TlsEngine engine(context, false);
  SSL* ssl = engine.impl_->ssl;
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) != 1) {
    ERR_clear_error();  // not an address, then
    // What SSL_set_tlsext_host_name() is, without its old-style cast.
    std::string name = host;
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
    SSL_set1_host(ssl, host.c_str());
  }
  return engine;
}

TlsEngine::Progress TlsEngine::progress(int result) {
  if (result > 0) return Progress::done;
  switch (SSL_get_error(impl_->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Progress::needs_input;
    case SSL_ERROR_ZERO_RETURN:
      return Progress::closed;
    default:
      failure_ = openssl::last_error();
      return Progress::failed;
  }
}

TlsEngine::Progress TlsEngine::handshake() {
  ERR_clear_error();
  return progress(SSL_do_handshake(impl_->ssl));
}

TlsEngine::Progress TlsEngine::read(std::span<char> space, std::size_t& count) {
  ERR_clear_error();
  const int result = SSL_read(impl_->ssl, space.data(), int_size(space.size()));
  count = result > 0 ? static_cast<std::size_t>(result) : 0;
  return progress(result);
}

TlsEngine::Progress TlsEngine::write(std::string_view bytes) {
  ERR_clear_error();
  if (bytes.empty()) return Progress::done;
  return progress(SSL_write(impl_->ssl, bytes.data(), int_size(bytes.size())));
}

bool TlsEngine::drained() const {
  return SSL_has_pending(impl_->ssl) == 0 && BIO_ctrl_pending(impl_->in) == 0;
}

void TlsEngine::close() {
  ERR_clear_error();
  if (SSL_is_init_finished(impl_->ssl) == 1) SSL_shutdown(impl_->ssl);
  ERR_clear_error();
}

void TlsEngine::feed(std::string_view from_peer) {
  BIO_write(impl_->in, from_peer.data(), int_size(from_peer.size()));
}

std::string_view TlsEngine::output() const {
  char* bytes = nullptr;
  // What BIO_get_mem_data() is, without its old-style cast.
  const long size = BIO_ctrl(impl_->out, BIO_CTRL_INFO, 0, static_cast<void*>(&bytes));
  return {bytes, static_cast<std::size_t>(std::max(0L, size))};
}

void TlsEngine::sent() {
  BIO_ctrl(impl_->out, BIO_CTRL_RESET, 0, nullptr);
}

std::string TlsEngine::certificate_problem() const {
  const long result = SSL_get_verify_result(impl_->ssl);
  return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
}

std::vector<std::string> TlsEngine::peer_certificates() const {
  std::vector<std::string> chain;
  const openssl::Certificate leaf(SSL_get1_peer_certificate(impl_->ssl));
  if (!leaf) return chain;
  chain.push_back(der(leaf.get()));
  const STACK_OF(X509)* sent = SSL_get_peer_cert_chain(impl_->ssl);  // without the leaf on a server
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    if (const X509* next = sk_X509_value(sent, i); X509_cmp(next, leaf.get()) != 0)
      chain.push_back(der(next));
  }
  return chain;
}

std::string TlsEngine::protocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(impl_->ssl, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace fluxmetrics::http
