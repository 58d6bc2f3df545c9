// An HPA that the API server refuses, made one that it takes, as far as what was meant is plain.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "hpa/validation.hpp"

namespace fluxmetrics::explain {

struct RepairedHpa {
  boost::json::object document = {};
  // Path of a member ("/spec/maxReplicas") -> why it was changed.
  std::map<std::string, std::string> changes = {};
};

// How a scalar is written in the file, by its JSON pointer, without quotes: "on" of a boolean; "" where
// nobody knows.
using WrittenText = std::function<std::string(std::string_view pointer)>;

// Misspelt fields get the name that was meant, or go. Fields that are out of bounds are put to the bound,
// misspelt values of a list of words become the word that is meant, numbers and texts change places, a target
// gets the type that its number belongs to. nullopt: something is left that only its author knows.
[[nodiscard]] std::optional<RepairedHpa> repair_hpa(const boost::json::object& document,
                                                    hpa::KubernetesVersion version = {},
                                                    const WrittenText& written = {});

}  // namespace fluxmetrics::explain
