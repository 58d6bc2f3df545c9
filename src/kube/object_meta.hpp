// What the API server refuses in the metadata of a new object of a namespace (ObjectMeta).
#pragma once

#include <boost/json/object.hpp>

#include "kube/field_error.hpp"

namespace fluxmetrics::kube {

// `metadata` is of the right types (kube/strict_decoding.hpp); its name must be a DNS subdomain, as an HPA's.
// Without a namespace it goes to that of the request. Source: Kubernetes 1.37
// (k8s.io/apimachinery/pkg/api/validation, k8s.io/kubernetes/pkg/apis/core/validation).
void validate_object_meta(const boost::json::object& metadata, FieldErrors& errors);

}  // namespace fluxmetrics::kube
