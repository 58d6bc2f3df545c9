// The file of a unix socket that somebody listens on: made without treading on others, removed at the end.
#pragma once

#include <string>

#include "base/result.hpp"

namespace fluxmetrics::simulate {

class SocketFile {
 public:
  // "" makes a new directory, for its owner only, below the temporary directory. A path must be absolute or
  // relative to here, at most 107 bytes long, and free: a socket that nobody listens on any more is replaced.
  // Errors: Code::invalid or Code::io, naming the path.
  [[nodiscard]] static Result<SocketFile> choose(const std::string& path);
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;
  ~SocketFile();  // removes the socket, and the directory when it was made here

  [[nodiscard]] const std::string& path() const { return path_; }  // absolute

 private:
  SocketFile(std::string path, std::string directory)
      : path_(std::move(path)), directory_(std::move(directory)) {}
  std::string path_;       // "" after a move
  std::string directory_;  // "" when it is not ours
};

}  // namespace fluxmetrics::simulate
