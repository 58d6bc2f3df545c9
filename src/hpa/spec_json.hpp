// Reads an HPA's spec from JSON, and fills in what the API server fills in.
#pragma once

#include <string>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "hpa/spec.hpp"
#include "kube/fields.hpp"

namespace fluxmetrics::hpa {

// The spec of autoscaling/v2. Throws kube::ShapeError.
[[nodiscard]] HpaSpec read_hpa_spec(const kube::JsonField& field);

// The same for other rooms. Errors: Code::invalid naming the field; `where` is how its path begins ("spec").
[[nodiscard]] Result<HpaSpec> parse_hpa_spec(const boost::json::value& spec, const std::string& where);

}  // namespace fluxmetrics::hpa
