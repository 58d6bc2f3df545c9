#include "http/certificate.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <optional>
#include <unistd.h>

#include "http/openssl_ptr.hpp"

namespace fluxmetrics::http {
namespace {

constexpr std::string_view own_common_name = "flux-metrics-api self-signed";
constexpr long lifetime_seconds = 365L * 24 * 3600;
constexpr long clock_skew_seconds = 3600;
constexpr std::uintmax_t max_pem_bytes = 1U << 20U;

bool is_address(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

bool is_dns_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '*';
  });
}

std::vector<std::string> with_local_names(std::vector<std::string> names) {
  for (const char* local : {"localhost", "127.0.0.1", "::1"}) {
    if (std::ranges::find(names, local) == names.end()) names.emplace_back(local);
  }
  return names;
}

// The value of a subjectAltName extension: "DNS:a,IP:b".
Result<std::string> alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : with_local_names(names)) {
    const bool address = is_address(name);
    if (!address && !is_dns_name(name)) {
      return fail(Code::invalid,
                  "'{}' is neither a DNS name nor an address: no certificate can be made for it", name);
    }
    fmt::format_to(std::back_inserter(out), "{}{}:{}", out.empty() ? "" : ",", address ? "IP" : "DNS", name);
  }
  return out;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const openssl::Extension extension(X509V3_EXT_nconf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  std::array<unsigned char, 8> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  std::uint64_t serial = 0;
  std::memcpy(&serial, bytes.data(), bytes.size());
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), (serial >> 1U) | 1U) == 1;
}

bool set_subject(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const std::string name(own_common_name);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL's text type
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1;
}

openssl::Certificate sign_own(EVP_PKEY* key, const std::string& names) {
  openssl::Certificate made(X509_new());
  X509* certificate = made.get();
  const bool good = certificate != nullptr && X509_set_version(certificate, 2) == 1 &&
                    set_serial(certificate) &&
                    X509_gmtime_adj(X509_getm_notBefore(certificate), -clock_skew_seconds) != nullptr &&
                    X509_gmtime_adj(X509_getm_notAfter(certificate), lifetime_seconds) != nullptr &&
                    set_subject(certificate) && X509_set_pubkey(certificate, key) == 1 &&
                    add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
                    add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
                    add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
                    add_extension(certificate, NID_subject_key_identifier, "hash") &&
                    add_extension(certificate, NID_subject_alt_name, names) &&
                    X509_sign(certificate, key, EVP_sha256()) > 0;
  if (!good) made.reset();
  return made;
}

std::string contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(std::max(0L, size))};
}

Result<void> write_private(const std::filesystem::path& path, const std::string& text) {
  const std::string temporary = path.string() + ".new";
  std::filesystem::remove(temporary);
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail_errno(Code::io, errno, "cannot write '{}': {}; is --cert-dir writable?", temporary,
                      std::strerror(errno));
  }
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int problem = written ? 0 : errno;
  ::close(fd);
  if (written && ::rename(temporary.c_str(), path.c_str()) == 0) return {};
  return fail_errno(Code::io, problem, "cannot write '{}': {}", path.string(),
                    std::strerror(problem != 0 ? problem : errno));
}

// The pair that lies in a certificate directory, when it can go on being used.
Result<std::optional<KeyPair>> find_kept(const std::string& cert_file, const std::string& key_file,
                                         const std::vector<std::string>& names) {
  if (!std::filesystem::exists(cert_file)) return std::nullopt;
  auto pair = read_key_pair(cert_file, key_file);
  if (!pair) return std::unexpected(pair.error());
  auto facts = inspect_certificate(pair->certificate, with_local_names(names));
  if (!facts) {
    return fail(Code::invalid, "'{}' holds no certificate ({}): remove it, or name another --cert-dir",
                cert_file, facts.error().message);
  }
  if (!facts->own_make) {
    return fail(Code::invalid,
                "'{}' was not made by this program and is not replaced: name it with --ssl-certfile and "
                "--ssl-keyfile, or give another --cert-dir",
                cert_file);
  }
  const bool good = facts->uncovered_name.empty() && facts->expires - renewal_margin > Now::read().wall;
  return good ? std::optional(*pair) : std::nullopt;
}

}  // namespace

Result<KeyPair> make_self_signed(const std::vector<std::string>& names) {
  auto alternatives = alternative_names(names);
  if (!alternatives) return std::unexpected(alternatives.error());
  const openssl::Key key(EVP_EC_gen("P-256"));
  if (!key) return fail(Code::internal, "cannot make a key: {}", openssl::last_error());
  const auto certificate = sign_own(key.get(), *alternatives);
  if (!certificate) {
    return fail(Code::internal, "cannot make a certificate for {}: {}", *alternatives, openssl::last_error());
  }
  const openssl::Bio cert_text(BIO_new(BIO_s_mem()));
  const openssl::Bio key_text(BIO_new(BIO_s_secmem()));
  if (PEM_write_bio_X509(cert_text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return fail(Code::internal, "cannot write the self-signed certificate: {}", openssl::last_error());
  }
  return KeyPair{.certificate = contents(cert_text.get()), .key = contents(key_text.get())};
}

Result<std::string> read_pem_file(const std::string& path, const std::string& what) {
  std::error_code not_there;
  if (!std::filesystem::exists(path, not_there) && (!not_there || not_there.value() == ENOENT)) {
    return fail(Code::not_found, "the {} file '{}' does not exist", what, path);
  }
  if (std::filesystem::is_directory(path, not_there)) {
    return fail(Code::invalid, "the {} file '{}' is a directory", what, path);
  }
  if (!std::filesystem::is_regular_file(path, not_there) && !not_there) {
    return fail(Code::invalid, "the {} file '{}' is not a file but a device, a socket or a pipe", what, path);
  }
  if (const auto size = std::filesystem::file_size(path, not_there); !not_there && size > max_pem_bytes) {
    return fail(Code::invalid, "the {} file '{}' is larger than the {} KiB that are read", what, path,
                max_pem_bytes >> 10U);
  }
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in) {
    const int problem = errno;
    return fail_errno(problem == EACCES ? Code::denied : Code::io, problem,
                      "the {} file '{}' cannot be read: {}", what, path,
                      problem != 0 ? std::strerror(problem) : "read error");
  }
  return text;
}

Result<KeyPair> read_key_pair(const std::string& cert_file, const std::string& key_file) {
  auto certificate = read_pem_file(cert_file, "certificate");
  if (!certificate) return std::unexpected(certificate.error());
  auto key = read_pem_file(key_file, "key");
  if (!key) return std::unexpected(key.error());
  return KeyPair{.certificate = std::move(*certificate), .key = std::move(*key)};
}

Result<CertificateFacts> inspect_certificate(const std::string& pem, const std::vector<std::string>& names) {
  const auto bio = openssl::memory(pem);
  const openssl::Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate) return fail(Code::invalid, "{}", openssl::last_error());
  std::tm begins{};
  std::tm expires{};
  if (ASN1_TIME_to_tm(X509_get0_notBefore(certificate.get()), &begins) != 1 ||
      ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &expires) != 1) {
    return fail(Code::invalid, "its validity period cannot be read");
  }
  std::array<char, 128> subject{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, subject.data(),
                            static_cast<int>(subject.size()));
  CertificateFacts facts{.begins = std::chrono::system_clock::from_time_t(::timegm(&begins)),
                         .expires = std::chrono::system_clock::from_time_t(::timegm(&expires)),
                         .own_make = subject.data() == own_common_name,
                         .uncovered_name = {}};
  for (const auto& name : names) {
    const int covered = is_address(name)
                            ? X509_check_ip_asc(certificate.get(), name.c_str(), 0)
                            : X509_check_host(certificate.get(), name.data(), name.size(), 0, nullptr);
    if (covered == 1) continue;
    facts.uncovered_name = name;
    break;
  }
  return facts;
}

Result<KeyPair> find_or_make_self_signed(const std::string& directory,
                                         const std::vector<std::string>& names) {
  const auto cert_file = (std::filesystem::path(directory) / "tls.crt").string();
  const auto key_file = (std::filesystem::path(directory) / "tls.key").string();
  auto kept = find_kept(cert_file, key_file, names);
  if (!kept) return std::unexpected(kept.error());
  if (*kept) return std::move(**kept);

  auto made = make_self_signed(names);
  if (!made) return made;
  std::error_code problem;
  std::filesystem::create_directories(directory, problem);
  if (problem) {
    return fail(Code::io, "cannot make the certificate directory '{}': {}", directory, problem.message());
  }
  // The key first: a reader that sees the new certificate finds its key beside it.
  if (auto written = write_private(key_file, made->key); !written) return std::unexpected(written.error());
  if (auto written = write_private(cert_file, made->certificate); !written) {
    return std::unexpected(written.error());
  }
  return made;
}

}  // namespace fluxmetrics::http
