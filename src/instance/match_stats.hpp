// What Fluxion tells of its own work: how large its graph of the resources is, and how long it took to find
// room for jobs there.
#pragma once

#include <cstdint>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace fluxmetrics::instance {

struct MatchStats {
  // Matches that ended in one way.
  struct Outcome {
    std::int64_t matches = 0;        // since Fluxion was loaded
    std::int64_t timed_matches = 0;  // since its statistics were cleared: what the times are about
    double seconds = 0;              // that these took together
    double longest = 0;              // of them, in seconds
    bool operator==(const Outcome&) const = default;
  };
  std::int64_t vertices = 0;
  std::int64_t edges = 0;
  double load_seconds = 0;  // that it took to make the graph
  Outcome succeeded, failed;

  // sched-fluxion-resource.stats-get of flux-sched 0.54 (resource/modules/resource.cpp).
  // Errors: Code::protocol naming the member that is wrong.
  [[nodiscard]] static Result<MatchStats> from_reply(const boost::json::value& reply);
  [[nodiscard]] boost::json::object to_json() const;
  [[nodiscard]] static Result<MatchStats> from_json(const boost::json::value& value);
  bool operator==(const MatchStats&) const = default;
};

}  // namespace fluxmetrics::instance
