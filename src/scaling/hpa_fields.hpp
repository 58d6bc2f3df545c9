// Misspelt fields of an HPA: kubectl apply refuses them, and other clients drop them with what they say.
#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

namespace fluxmetrics::scaling {

struct UnknownField {
  std::string where = {};   // "spec.behavior.scaleUp.tolerence"
  std::string parent = {};  // the object that holds it, as a JSON pointer: "/spec/behavior/scaleUp"
  std::string name = {};    // "tolerence"
  std::string meant = {};   // "tolerance": a field of that place that is alike and not there; "" for none
};

// The fields of an HPA's document that autoscaling/v2 of Kubernetes 1.36 does not have; what metadata and
// status hold is not looked at.
[[nodiscard]] std::vector<UnknownField> unknown_fields(const boost::json::object& document);

}  // namespace fluxmetrics::scaling
