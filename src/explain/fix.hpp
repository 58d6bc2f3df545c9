// The corrected form of an HPA that scales a MiniCluster: it follows node_wanted_count exactly and at once.
#pragma once

#include <map>
#include <string>

#include <boost/json/object.hpp>

#include "explain/advice.hpp"

namespace fluxmetrics::explain {

struct FixedHpa {
  boost::json::object document = {};
  // Path of a member ("/spec/maxReplicas") -> why it was changed.
  std::map<std::string, std::string> changes = {};
};

// `document` is the HPA as it was written, of autoscaling/v2.
[[nodiscard]] FixedHpa fix_hpa(const boost::json::object& document, const AdviceInput& input);

// As YAML, with the reason of each change in a comment above it.
[[nodiscard]] std::string fixed_yaml(const FixedHpa& fixed);

}  // namespace fluxmetrics::explain
