#include "simulate/socket_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace fluxmetrics::simulate {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_path = sizeof(sockaddr_un::sun_path) - 1;

// Whether somebody accepts connections at `path`.
bool answers(const std::string& path) {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return true;  // cannot tell: leave it alone
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const void* const generic = &address;
  const int connected = ::connect(probe, static_cast<const sockaddr*>(generic), sizeof address);
  const int error = connected == 0 ? 0 : errno;
  ::close(probe);
  return error != ECONNREFUSED;
}

Result<void> make_room(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (!fs::exists(status)) return {};
  if (!fs::is_socket(status))
    return fail(Code::invalid, "{} exists and is not a socket: choose another path", path);
  if (answers(path))
    return fail(Code::invalid, "another program listens on {} already: stop it or choose another path", path);
  if (!fs::remove(path, error))
    return fail_errno(Code::io, error.value(), "the old socket {} cannot be removed: {}", path,
                      error.message());
  return {};
}

}  // namespace

Result<SocketFile> SocketFile::choose(const std::string& path) {
  std::error_code error;
  if (path.empty()) {
    std::string pattern = (fs::temp_directory_path(error) / "flux-simulate-XXXXXX").string();
    if (error || ::mkdtemp(pattern.data()) == nullptr)
      return fail_errno(Code::io, errno, "no directory for the socket can be made in {}: {}", pattern,
                        error ? error.message() : std::strerror(errno));
    SocketFile made(pattern + "/local", pattern);
    if (made.path_.size() > max_path)
      return fail(Code::invalid,
                  "the temporary directory's path is too long for a socket: set TMPDIR or give a path");
    return made;
  }
  const std::string absolute = fs::absolute(path, error).string();
  if (error) return fail(Code::invalid, "socket path {} is not usable: {}", path, error.message());
  if (absolute.size() > max_path)
    return fail(Code::invalid, "socket path {} is {} bytes long: {} are allowed", absolute, absolute.size(),
                max_path);
  const fs::path parent = fs::path(absolute).parent_path();
  if (!fs::is_directory(parent, error))
    return fail(Code::invalid, "socket path {}: there is no directory {}", absolute, parent.string());
  if (auto room = make_room(absolute); !room) return std::unexpected(room.error());
  return SocketFile(absolute, "");
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), directory_(std::exchange(other.directory_, {})) {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(directory_, other.directory_);
  return *this;
}

SocketFile::~SocketFile() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove(path_, ignored);
  if (!directory_.empty()) fs::remove(directory_, ignored);
}

}  // namespace fluxmetrics::simulate
