// Reads an HPA's spec from JSON, and fills in what the API server fills in.
#pragma once

#include <string>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "scaling/hpa_spec.hpp"
#include "scaling/json_fields.hpp"

namespace fluxmetrics::scaling {

// The spec of autoscaling/v2. Throws ShapeError.
[[nodiscard]] HpaSpec read_hpa_spec(const JsonField& field);

// The same for other rooms. Errors: Code::invalid naming the field; `where` is how its path begins ("spec").
[[nodiscard]] Result<HpaSpec> parse_hpa_spec(const boost::json::value& spec, const std::string& where);

}  // namespace fluxmetrics::scaling
