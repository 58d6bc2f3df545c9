// read_kubeconfig(): types and defaults as client-go 0.37 has them.
#include <array>
#include <filesystem>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/yaml.hpp"
#include "http/certificate.hpp"
#include "kube/cluster_access.hpp"

namespace fluxmetrics::kube {
namespace {

namespace json = boost::json;

// Thrown inside this file only.
struct Refusal {
  Error error;
};

template <class... Args>
[[noreturn]] void refuse(Code code, fmt::format_string<Args...> format, Args&&... args) {
  throw Refusal{fail(code, format, std::forward<Args>(args)...).error()};
}

std::string decode_base64(const std::string& text, const std::string& what) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ' || c == '=') continue;
    const auto at = alphabet.find(c);
    if (at == std::string_view::npos) refuse(Code::invalid, "{} is not base64", what);
    bits = (bits << 6U) | static_cast<unsigned>(at);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>((bits >> count) & 0xffU);
    }
  }
  return out;
}

// One entry of a kubeconfig (a cluster, a user), with the words for what is wrong in it. What is null or
// empty is absent.
class Section {
 public:
  Section(const YamlDocument& file, std::string pointer, std::string where, std::filesystem::path directory)
      : file_(&file),
        pointer_(std::move(pointer)),
        where_(std::move(where)),
        directory_(std::move(directory)) {}

  [[nodiscard]] bool has(const char* key) const {
    const auto* const value = find(key);
    if (value == nullptr || value->is_null()) return false;
    if (const auto* const text = value->if_string()) return !text->empty();
    if (const auto* const list = value->if_array()) return !list->empty();
    const auto* const map = value->if_object();
    return map == nullptr || !map->empty();
  }
  [[nodiscard]] std::string text(const char* key) const {
    if (!has(key)) return {};
    const auto& value = *find(key);
    if (value.is_string()) return std::string(value.get_string());
    const auto place = file_->places.find(yaml_pointer(pointer_, key));
    refuse(Code::invalid, "{} of {} {}", key, where_,
           not_a_text(value, place == file_->places.end() ? "" : place->second.written));
  }
  [[nodiscard]] bool flag(const char* key) const {
    const auto* const value = find(key);
    if (value == nullptr || value->is_null()) return false;
    if (!value->is_bool()) {
      refuse(Code::invalid, "{} of {} is neither true nor false: write one of them, without quotes", key,
             where_);
    }
    return value->get_bool();
  }
  // KEY-data in base64, else the file that KEY names, else "".
  [[nodiscard]] std::string material(const std::string& key) const {
    const auto data_key = key + "-data";
    if (const auto data = text(data_key.c_str()); !data.empty()) {
      return decode_base64(data, fmt::format("{} of {}", data_key, where_));
    }
    const auto file = text(key.c_str());
    return file.empty() ? std::string() : read_file(file, key);
  }
  [[nodiscard]] std::string read_file(const std::string& file, const std::string& key) const {
    auto content = http::read_pem_file((directory_ / file).string(), key);
    if (!content) refuse(content.error().code, "{}, says {}", content.error().message, where_);
    return std::move(*content);
  }
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  [[nodiscard]] const json::value* find(const char* key) const {
    boost::system::error_code none;
    const auto* const section = file_->value.find_pointer(pointer_, none);
    const auto* const map = section == nullptr ? nullptr : section->if_object();
    return map == nullptr ? nullptr : map->if_contains(key);
  }

  const YamlDocument* file_;
  std::string pointer_;
  std::string where_;
  std::filesystem::path directory_;
};

class Kubeconfig {
 public:
  explicit Kubeconfig(const std::string& path)
      : where_(fmt::format("the kubeconfig '{}'", path)),
        directory_(std::filesystem::path(path).parent_path()) {
    auto content = http::read_pem_file(path, "kubeconfig");
    if (!content) throw Refusal{content.error()};
    auto read = read_yaml_document(*content);
    if (!read) refuse(read.error().code, "{} {}", where_, read.error().message);
    file_ = *std::move(read);
    if (!file_.value.is_object())
      refuse(Code::invalid, "{} is not a kubeconfig: it holds no YAML map", where_);
  }

  [[nodiscard]] ClusterAccess access() const {
    const Section top(file_, "", where_, directory_);
    const auto current = top.text("current-context");
    if (current.empty()) {
      refuse(Code::invalid, "{} has no current-context: set one (kubectl config use-context NAME)", where_);
    }
    const auto context = find("context", current);
    const auto cluster = find("cluster", context.text("cluster"));
    ClusterAccess access;
    access.where = where_;
    read_cluster(cluster, access);
    if (const auto user = context.text("user"); !user.empty()) read_user(find("user", user), access);
    return access;
  }

 private:
  // The entry called `name` of the list KINDs.
  [[nodiscard]] Section find(const std::string& kind, const std::string& name) const {
    std::string found;
    const auto* const entries = file_.value.get_object().if_contains(kind + "s");
    const auto* const list = entries == nullptr ? nullptr : entries->if_array();
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      const auto pointer = fmt::format("/{}s/{}", kind, i);
      const Section entry(file_, pointer, fmt::format("entry {} of the {}s of {}", i + 1, kind, where_),
                          directory_);
      if (entry.text("name") != name) continue;
      if (!found.empty()) refuse(Code::invalid, "{} has two {}s '{}': keep one", where_, kind, name);
      found = yaml_pointer(pointer, kind);
    }
    if (found.empty())
      refuse(Code::invalid, "{} has no {} '{}', which its current context needs", where_, kind, name);
    return {file_, found, fmt::format("the {} '{}' of {}", kind, name, where_), directory_};
  }

  static void read_cluster(const Section& cluster, ClusterAccess& access) {
    access.server = cluster.text("server");
    if (access.server.empty()) refuse(Code::invalid, "{} has no server", cluster.where());
    if (cluster.has("proxy-url")) {
      refuse(Code::unsupported, "{} requires a proxy (proxy-url): this program only connects directly",
             cluster.where());
    }
    access.tls_server_name = cluster.text("tls-server-name");
    access.verify = !cluster.flag("insecure-skip-tls-verify");
    access.ca = cluster.material("certificate-authority");
    if (!access.verify && !access.ca.empty()) {
      refuse(Code::invalid, "{} has both a certificate-authority and insecure-skip-tls-verify: keep one",
             cluster.where());
    }
  }

  static void read_user(const Section& user, ClusterAccess& access) {
    struct Unsupported {
      const char* key;
      const char* what;
    };
    constexpr std::array unsupported{
        Unsupported{"exec", "starts another program for its credentials (exec)"},
        Unsupported{"auth-provider", "needs an auth-provider plugin for its credentials"},
        Unsupported{"username", "logs in with name and password"},
        Unsupported{"password", "logs in with name and password"},
        Unsupported{"as", "impersonates another user (as)"},
        Unsupported{"as-uid", "impersonates another user (as-uid)"},
        Unsupported{"as-groups", "impersonates others (as-groups)"},
        Unsupported{"as-user-extra", "impersonates others (as-user-extra)"}};
    for (const auto& [key, what] : unsupported) {
      if (user.has(key)) {
        refuse(Code::unsupported,
               "{} {}, which this program does not support: give it a client certificate, a token or a "
               "tokenFile",
               user.where(), what);
      }
    }
    access.certificate = user.material("client-certificate");
    access.key = user.material("client-key");
    if (access.certificate.empty() != access.key.empty()) {
      refuse(Code::invalid, "{} has {}: a client certificate and its key must be given together",
             user.where(),
             access.key.empty() ? "a client-certificate without a client-key"
                                : "a client-key without a client-certificate");
    }
    // As client-go: the file is newer than what is written beside it.
    access.token = user.text("token");
    if (const auto file = user.text("tokenFile"); !file.empty()) {
      access.token = user.read_file(file, "tokenFile");
      access.token.erase(access.token.find_last_not_of(" \t\r\n") + 1);
      if (access.token.empty())
        refuse(Code::invalid, "the tokenFile '{}' of {} is empty", file, user.where());
    }
  }

  std::string where_;
  std::filesystem::path directory_;
  YamlDocument file_;
};

}  // namespace

Result<ClusterAccess> read_kubeconfig(const std::string& path) {
  try {
    return Kubeconfig(path).access();
  } catch (const Refusal& refusal) {
    return std::unexpected(refusal.error);
  }
}

}  // namespace fluxmetrics::kube
