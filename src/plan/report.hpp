// What `plan` says of the strategies it played: a table, JSON, CSV and plots.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "plan/run.hpp"

namespace fluxmetrics::plan {

inline constexpr std::string_view plan_format = "flux-metrics-api.plan/1";

[[nodiscard]] std::string plan_table(std::span<const PlanOutcome> outcomes);
[[nodiscard]] std::string plan_csv(std::span<const PlanOutcome> outcomes);
[[nodiscard]] boost::json::value plan_json(std::span<const PlanOutcome> outcomes, const PlanSetup& setup,
                                           const std::string& trace);

// Errors: Code::invalid naming the field that is not as plan_json() writes it.
[[nodiscard]] Result<std::vector<PlanOutcome>> read_plan_json(const boost::json::value& document);

// Writes the plots of the outcomes into a directory, which is made, and returns their paths. Errors:
// Code::io.
[[nodiscard]] Result<std::vector<std::string>> write_plan_plots(std::span<const PlanOutcome> outcomes,
                                                                const std::string& directory,
                                                                const std::string& theme);

}  // namespace fluxmetrics::plan
