// An HPA that the API server refuses, made one that it takes, as far as what was meant is plain.
#pragma once

#include <map>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "scaling/hpa_validation.hpp"

namespace fluxmetrics::scaling {

struct RepairedHpa {
  boost::json::object document = {};
  // Path of a member ("/spec/maxReplicas") -> why it was changed.
  std::map<std::string, std::string> changes = {};
};

// Misspelt fields get the name that was meant, or go. Fields that are out of bounds are put to the bound,
// misspelt values of a list of words become the word that is meant, numbers and texts change places. nullopt:
// something is left that only its author knows.
[[nodiscard]] std::optional<RepairedHpa> repair_hpa(const boost::json::object& document,
                                                    KubernetesVersion version = {});

}  // namespace fluxmetrics::scaling
