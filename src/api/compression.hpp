// Large answers, compressed for the clients that accept it, as Go's API servers do.
#pragma once

#include <vector>

#include "api/documents.hpp"
#include "http/message.hpp"

namespace fluxmetrics::api {

class Compression {
 public:
  // Compresses a body of more than 128 KiB for a client that accepts gzip, and one of more than 1,400 bytes
  // where the answer says that it depends on Accept-Encoding (OpenAPI). Bodies are shared between answers;
  // what they become is kept for the next client.
  void apply(const http::Request& request, http::Response& response);

 private:
  struct Pair {
    Body plain;
    Body compressed;
  };
  [[nodiscard]] const Body& compressed(const Body& plain);
  std::vector<Pair> known_;
};

}  // namespace fluxmetrics::api
