// What the text of a request means, and the answer it last got: clients of a metrics API repeat themselves,
// so both are worked out once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/documents.hpp"
#include "api/negotiation.hpp"
#include "api/router.hpp"
#include "http/message.hpp"

namespace fluxmetrics::api {

struct KnownRequest {
  std::optional<http::Target> target;  // nullopt: it cannot be read
  const Page* page = nullptr;          // when a document is the answer; the route is then not looked at
  Route route;
  Negotiated negotiated;
  // The encoded metric of the snapshot of that generation; 0 = none.
  std::uint64_t generation = 0;
  std::uint64_t pods_generation = 0;  // and of that list of pods, where it is about them
  Body body = nullptr;
  std::string value = {};                    // for the log
  std::optional<std::uint32_t> wanted = {};  // node_wanted_count, where that is what the body tells
};

class KnownRequests {
 public:
  using Known = std::shared_ptr<KnownRequest>;  // never null
  // `documents` must live as long as this. `extra_root`: as find_route() takes it.
  KnownRequests(const Documents& documents, std::vector<std::string> extra_root)
      : documents_(documents), extra_root_(std::move(extra_root)) {}
  // The reference is valid until the next call; who waits copies it.
  [[nodiscard]] const Known& find(const http::Request& request);

 private:
  const Documents& documents_;
  std::vector<std::string> extra_root_;
  std::unordered_map<std::string, Known> known_;
  Known too_long_;  // the last one whose text is too long to keep
  std::string key_;
};

}  // namespace fluxmetrics::api
