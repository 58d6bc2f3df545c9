// What may be a name, and a label's key and value (k8s.io/apimachinery/pkg/util/validation), with the Go
// library's messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fluxmetrics::kube {

// One sentence a fault, in the library's order; empty when fine.
[[nodiscard]] std::vector<std::string> label_key_faults(std::string_view key);  // a "qualified name"
[[nodiscard]] std::vector<std::string> label_value_faults(std::string_view value);
[[nodiscard]] std::vector<std::string> dns_label_faults(std::string_view name);      // RFC 1123
[[nodiscard]] std::vector<std::string> dns_subdomain_faults(std::string_view name);  // RFC 1123
[[nodiscard]] std::vector<std::string> path_segment_faults(std::string_view name);

// The same joined by "; "; "" when fine.
[[nodiscard]] std::string label_key_fault(std::string_view key);
[[nodiscard]] std::string label_value_fault(std::string_view value);

}  // namespace fluxmetrics::kube
