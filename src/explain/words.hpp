// Decisions of an HPA in plain sentences.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hpa/forecast.hpp"

namespace fluxmetrics::explain {

// Thousandths as people write them: 3500 -> "3.5".
[[nodiscard]] std::string plain_number(std::int64_t milli);

// "Object node_up_count of Service x, target Value 4".
[[nodiscard]] std::string describe_metric(const hpa::HpaMetric& metric);

// How a metric comes to its proposal: "2 / 4 = 0.5 is below 0.9, so it proposes ceil(0.5 x 2 ready pods) =
// 1".
[[nodiscard]] std::string describe_proposal(
    const hpa::HpaMetric& metric, const std::expected<hpa::MetricProposal, hpa::MetricFailure>& proposal,
    const hpa::Forecast& forecast);

// What the sync does, and which rule decides.
[[nodiscard]] std::string describe_step(const hpa::HpaSpec& spec, const hpa::HpaFlags& flags,
                                        const hpa::ForecastStep& step);

}  // namespace fluxmetrics::explain
