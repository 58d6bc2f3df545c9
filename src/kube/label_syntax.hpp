// What may be a label's key and value (k8s.io/apimachinery/pkg/util/validation), with the Go library's
// messages.
#pragma once

#include <string>
#include <string_view>

namespace fluxmetrics::kube {

// "" when fine, else what is wrong, several faults joined by "; ".
[[nodiscard]] std::string label_key_fault(std::string_view key);
[[nodiscard]] std::string label_value_fault(std::string_view value);

}  // namespace fluxmetrics::kube
