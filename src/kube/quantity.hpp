// resource.Quantity text (k8s.io/apimachinery/pkg/api/resource), DecimalSI.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fluxmetrics::kube {

// The canonical DecimalSI text of thousandths: 4000 -> "4", 1500 -> "1500m", 0 -> "0", 1000000 -> "1k".
[[nodiscard]] std::string format_milli(std::int64_t milli);

// The text for a metric value, rounded to thousandths. Beyond +-9e15, where an HPA's int64 arithmetic wraps,
// the value is clamped. Errors: Code::internal for NaN and infinities: no number is better than a wrong one.
[[nodiscard]] Result<std::string> format_quantity(double value);

// Thousandths as the HPA reads them (MilliValue: rounded away from zero). Errors: Code::invalid for text that
// is no quantity, or one whose thousandths do not fit an int64.
[[nodiscard]] Result<std::int64_t> parse_milli(std::string_view text);

// The same with the Go library's arithmetic to the last bit: thousandths that do not fit an int64 wrap or
// become 0 as they do there. For replaying what the HPA controller makes of a number. Errors: text that is no
// quantity.
[[nodiscard]] Result<std::int64_t> parse_milli_wrapping(std::string_view text);

// The quantity as a float: the digits of its canonical form (what an API server stores: 0.7 is 700m) times a
// power of ten, which is not always the double nearest to the number. Errors: text that is no quantity.
[[nodiscard]] Result<double> parse_approximate(std::string_view text);

// A quantity as an API server shows it: "-500m" of "-0.5", "-1Ki" of "-1024" with a binary suffix, "-1e3" of
// an exponent; and whether it is below, at or above zero. Errors: text that is no quantity.
struct CanonicalQuantity {
  std::string text = {};
  int sign = 0;
};
[[nodiscard]] Result<CanonicalQuantity> canonical_quantity(std::string_view text);

}  // namespace fluxmetrics::kube
