// YAML text as Go's API servers write it (sigs.k8s.io/yaml): keys sorted, quotes only where they are needed.
#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace fluxmetrics::kube {

// Ends with a newline.
[[nodiscard]] std::string go_yaml(const boost::json::value& value);

}  // namespace fluxmetrics::kube
