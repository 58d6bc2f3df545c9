// What people say when they submit a job, turned into the jobspec (RFC 14, RFC 25) that flux submit would
// make of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/result.hpp"

namespace fluxmetrics::simulate {

struct JobRequest {
  std::optional<std::uint32_t> nodes{};  // absent: slots anywhere
  std::optional<std::uint32_t>
      slots{};                 // in all; absent with nodes: one a node, and the nodes are taken whole
  std::uint32_t cores = 1;     // a slot
  std::uint32_t gpus = 0;      // a slot
  bool exclusive = false;      // whole nodes
  double duration = 0;         // seconds, its run time and its limit; 0 runs for ever
  std::string queue{};         // "" = the anonymous queue
  std::uint32_t urgency = 16;  // 0 holds the job, 31 puts it first
  std::string name = "sleep";
  auto operator<=>(const JobRequest&) const = default;
};

// Errors: Code::invalid: fewer slots than nodes, exclusive without nodes.
[[nodiscard]] Result<void> check_request(const JobRequest& request);
// Errors: as check_request().
[[nodiscard]] Result<boost::json::object> make_jobspec(const JobRequest& request);

// The J that job-ingest.submit takes from the owner of an instance: header, jobspec and no signature.
[[nodiscard]] std::string wrap_unsigned(std::uint32_t userid, std::string_view jobspec);

struct Unwrapped {
  std::uint32_t userid = 0;
  std::string jobspec;
};
// Errors: Code::invalid when `text` is not such a J.
[[nodiscard]] Result<Unwrapped> unwrap_unsigned(std::string_view text);

}  // namespace fluxmetrics::simulate
