// Whether an API server takes an HPA: what its strict decoding and its validation say of a new one.
#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "hpa/kubernetes_version.hpp"
#include "kube/strict_decoding.hpp"

namespace fluxmetrics::hpa {

// In Kubernetes' own words. Where the types are wrong nothing else is looked at, as in the server.
struct HpaRefusal {
  std::vector<kube::WrongType> types = {};
  // kubectl apply refuses these; a client that does not ask for strict decoding drops them.
  std::vector<kube::UnknownField> unknown = {};
  std::vector<kube::FieldError> invalid = {};
  // No server takes it, however it is sent.
  [[nodiscard]] bool final() const { return !types.empty() || !invalid.empty(); }
  [[nodiscard]] bool empty() const { return !final() && unknown.empty(); }
};

// `document` is an object of kind HorizontalPodAutoscaler and apiVersion autoscaling/v2, as kubectl apply
// would send it for the first time. Sources: k8s.io/kubernetes 1.27, 1.30, 1.33 to 1.37
// (pkg/apis/autoscaling/validation, pkg/registry/autoscaling/horizontalpodautoscaler); texts are those
// of 1.37.
[[nodiscard]] HpaRefusal validate_hpa(const boost::json::object& document, KubernetesVersion version = {});

}  // namespace fluxmetrics::hpa
