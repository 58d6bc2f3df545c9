// The protobuf form of the objects that a metrics API answers with, as Go's API servers write it: the bytes
// "k8s\0", then a runtime.Unknown with the object's kind and its message.
#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace fluxmetrics::kube {

// The object's `kind` chooses the message: MetricValueList (both versions), ExternalMetricValueList, Status,
// APIGroup, APIGroupList, APIResourceList or APIGroupDiscoveryList. The message of any other kind is empty.
[[nodiscard]] std::string to_protobuf(const boost::json::value& object);

}  // namespace fluxmetrics::kube
