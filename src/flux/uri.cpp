#include "flux/uri.hpp"

#include <charconv>
#include <optional>

#include "base/text.hpp"

namespace fluxmetrics::flux {
namespace {

constexpr std::size_t max_socket_path = 107;  // sun_path less its NUL

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    const bool two_digits = digits.size() == 2 && end == digits.data() + 2;
    if (error != std::errc{} || !two_digits || byte == 0) return std::nullopt;
    decoded.push_back(static_cast<char>(byte));
    i += 2;
  }
  return decoded;
}

}  // namespace

Result<std::string> local_socket_path(std::string_view uri) {
  const std::string shown = printable(uri);
  constexpr std::string_view scheme_end = "://";
  const auto cut = uri.find(scheme_end);
  if (cut == std::string_view::npos) {
    return fail(Code::invalid, "'{}' is not a Flux URI: write local:///absolute/path/of/the/socket", shown);
  }
  const std::string_view scheme = uri.substr(0, cut);
  if (scheme == "ssh") {
    return fail(Code::unsupported,
                "Flux URI '{}': ssh is not supported here; run this program on that host and give it the "
                "local:// URI",
                shown);
  }
  if (scheme != "local") {
    return fail(Code::unsupported, "Flux URI '{}': only local:// is supported, not {}://", shown,
                printable(scheme));
  }
  const auto path = percent_decoded(uri.substr(cut + scheme_end.size()));
  if (!path) return fail(Code::invalid, "Flux URI '{}': a percent escape is broken", shown);
  if (!path->starts_with('/'))
    return fail(Code::invalid, "Flux URI '{}': the path of the socket is not absolute", shown);
  if (path->size() > max_socket_path) {
    return fail(Code::invalid, "Flux URI '{}': the path has {} bytes, and a unix socket's has at most {}",
                shown, path->size(), max_socket_path);
  }
  return *path;
}

const std::vector<std::string>& default_socket_paths() {
  static const std::vector<std::string> paths{"/run/flux/local", "/mnt/flux/config/run/flux/local"};
  return paths;
}

}  // namespace fluxmetrics::flux
