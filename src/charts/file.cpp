#include "charts/file.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace fluxmetrics::charts {

std::string file_name(std::string name) {
  std::ranges::replace_if(
      name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_'; },
      '_');
  return name;
}

Result<std::string> write_plot(const std::string& directory, const std::string& name,
                               const std::string& svg) {
  std::error_code trouble;
  std::filesystem::create_directories(directory, trouble);
  auto path = (std::filesystem::path(directory) / name).string();
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << svg;
  file.close();
  if (!file)
    return fail(Code::io, "cannot write {}: {}", path,
                std::generic_category().message(errno == 0 ? EIO : errno));
  return path;
}

}  // namespace fluxmetrics::charts
