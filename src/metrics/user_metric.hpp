// A metric that a user's file adds to the catalogue: what it is, and what came of working it out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "instance/state.hpp"
#include "metrics/family.hpp"

namespace fluxmetrics::metrics {

struct UserMetric {
  std::string name;
  std::string unit = {};
  std::string help = {};
  std::string source = {};  // "FILE line 3": for people who look for it
  std::vector<std::string> labels = {};
  Type type = Type::gauge;
  Aggregation aggregation = Aggregation::single;
};

// What a user's metric gave when it was last worked out.
struct Reading {
  Result<std::vector<Item>> items = fail(Code::unavailable, "it has not been worked out yet");
  std::optional<Now> measured = {};  // when; nullopt before the first time
  // Set: the items follow from this state alone, and are true for as long as it is.
  std::shared_ptr<const instance::InstanceState> state = {};
};

}  // namespace fluxmetrics::metrics
