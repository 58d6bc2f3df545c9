// Times of Kubernetes objects, checked as Go's time.Parse(time.RFC3339) does.
#pragma once

#include <string>
#include <string_view>

namespace fluxmetrics::kube {

// "" for a time such as 2026-11-22T03:50:27Z, else what Go says of it: parsing time "x" as ...
[[nodiscard]] std::string go_time_fault(std::string_view text);

}  // namespace fluxmetrics::kube
