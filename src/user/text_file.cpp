#include "user/text_file.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace fluxmetrics::user {

Result<std::string> read_text_file(const std::string& path) {
  constexpr std::uintmax_t most_bytes = 1U << 20U;
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return fail(Code::invalid, "--custom-metric {}: this is a directory; name a file", path);
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail_errno(Code::invalid, errno, "--custom-metric {}: cannot read it: {}", path,
                      std::generic_category().message(errno));
  }
  std::string text;
  std::istreambuf_iterator<char> byte(file);
  for (; byte != std::istreambuf_iterator<char>() && text.size() <= most_bytes; ++byte)
    text += *byte;
  if (text.size() > most_bytes)
    return fail(Code::invalid, "--custom-metric {}: it has more than {} bytes", path, most_bytes);
  return text;
}

}  // namespace fluxmetrics::user
