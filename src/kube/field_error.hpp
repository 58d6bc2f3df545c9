// What the API server says of a field that it refuses (k8s.io/apimachinery/pkg/util/validation/field).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fluxmetrics::kube {

struct FieldError {
  std::string field = {};   // "spec.metrics[0].type"; "" where Kubernetes names none
  std::string reason = {};  // "Required value: must specify a metric source type"
  // As the API server writes it: field, colon, reason.
  [[nodiscard]] std::string text() const;
  bool operator==(const FieldError&) const = default;
};

// A list that grows by the library's kinds of errors. `value` is the value as the server shows it.
class FieldErrors {
 public:
  void invalid(std::string field, std::string_view value, std::string_view why);
  void required(std::string field, std::string_view why);
  void forbidden(std::string field, std::string_view why);
  void unsupported(std::string field, std::string_view value, std::span<const std::string_view> supported);
  void too_long(std::string field, std::size_t most_bytes);
  void add(FieldError error) { list_.push_back(std::move(error)); }
  [[nodiscard]] std::vector<FieldError> take() { return std::move(list_); }

 private:
  std::vector<FieldError> list_;
};

// A text between quotes as Go's %q writes it, and as its JSON encoder does: the server shows a plain string
// in the first way, a string of a type of its own (v2.MetricTargetType) in the second.
[[nodiscard]] std::string go_quoted(std::string_view text);
[[nodiscard]] std::string go_json_quoted(std::string_view text);

}  // namespace fluxmetrics::kube
