// The part of validate_hpa() that is about spec.metrics.
#pragma once

#include "hpa/validation_fields.hpp"
#include "kube/field_error.hpp"

namespace fluxmetrics::hpa {

// `groupless`: "v1" will do as apiVersion, and nothing; else a group must be named.
void validate_reference(const HpaField& reference, bool checks_version, bool groupless,
                        kube::FieldErrors& errors);

// `checks_version`: whether the apiVersion of described objects is looked at.
void validate_metrics(const HpaField& metrics, bool from_zero, bool checks_version,
                      kube::FieldErrors& errors);

}  // namespace fluxmetrics::hpa
