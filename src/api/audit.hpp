// Audit-Id: the name of one request in everybody's logs.
#pragma once

#include <random>
#include <string>

#include "http/message.hpp"

namespace fluxmetrics::api {

class AuditIds {
 public:
  AuditIds();
  // The one the client sent, or a fresh UUID.
  [[nodiscard]] std::string of(const http::Headers& headers);

 private:
  std::mt19937_64 random_;  // names need no secrecy
};

}  // namespace fluxmetrics::api
