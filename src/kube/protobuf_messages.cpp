#include "kube/protobuf_messages.hpp"

#include <array>

namespace fluxmetrics::kube {
namespace {

using Field = ProtobufField;
using Message = ProtobufMessage;
using enum ProtobufField::Type;
constexpr auto optional = ProtobufField::Absent::left_out;
constexpr auto always = ProtobufField::Absent::written;

constexpr std::array list_meta_fields = {
    Field{1, "selfLink"},
    Field{2, "resourceVersion"},
    Field{3, "continue"},
    Field{4, "remainingItemCount", integer, optional},
};
constexpr Message list_meta{list_meta_fields};

constexpr std::array object_meta_fields = {
    Field{1, "name"},
    Field{2, "generateName"},
    Field{3, "namespace"},
    Field{4, "selfLink"},
    Field{5, "uid"},
    Field{6, "resourceVersion"},
    Field{7, "generation", integer},
    Field{8, "creationTimestamp", time},
};
constexpr Message object_meta{object_meta_fields};

constexpr std::array reference_fields = {
    Field{1, "kind"},       Field{2, "namespace"},       Field{3, "name"},      Field{4, "uid"},
    Field{5, "apiVersion"}, Field{6, "resourceVersion"}, Field{7, "fieldPath"},
};
constexpr Message reference{reference_fields};

constexpr std::array requirement_fields = {
    Field{1, "key"},
    Field{2, "operator"},
    Field{3, "values", texts},
};
constexpr Message requirement{requirement_fields};

constexpr std::array label_selector_fields = {
    Field{1, "matchLabels", labels},
    Field{2, "matchExpressions", objects, always, &requirement},
};
constexpr Message label_selector{label_selector_fields};

constexpr std::array metric_identifier_fields = {
    Field{1, "name"},
    Field{2, "selector", object, optional, &label_selector},
};
constexpr Message metric_identifier{metric_identifier_fields};

constexpr std::array value_v1beta1_fields = {
    Field{1, "describedObject", object, always, &reference},
    Field{2, "metricName"},
    Field{3, "timestamp", time},
    Field{4, "window", integer, optional},
    Field{5, "value", quantity},
    Field{6, "selector", object, optional, &label_selector},
};
constexpr Message value_v1beta1{value_v1beta1_fields};

constexpr std::array value_v1beta2_fields = {
    Field{1, "describedObject", object, always, &reference},
    Field{2, "metric", object, always, &metric_identifier},
    Field{3, "timestamp", time},
    Field{4, "windowSeconds", integer, optional},
    Field{5, "value", quantity},
};
constexpr Message value_v1beta2{value_v1beta2_fields};

constexpr std::array external_value_fields = {
    Field{1, "metricName"},      Field{2, "metricLabels", labels},
    Field{3, "timestamp", time}, Field{4, "window", integer, optional},
    Field{5, "value", quantity},
};
constexpr Message external_value{external_value_fields};

// A list: its metadata, then items of one kind.
constexpr std::array<Field, 2> list_of(const Message& item) {
  return {Field{1, "metadata", object, always, &list_meta}, Field{2, "items", objects, always, &item}};
}

constexpr auto list_v1beta1_fields = list_of(value_v1beta1);
constexpr Message list_v1beta1{list_v1beta1_fields};
constexpr auto list_v1beta2_fields = list_of(value_v1beta2);
constexpr Message list_v1beta2{list_v1beta2_fields};
constexpr auto external_list_fields = list_of(external_value);
constexpr Message external_list{external_list_fields};

constexpr std::array cause_fields = {Field{1, "reason"}, Field{2, "message"}, Field{3, "field"}};
constexpr Message cause{cause_fields};

constexpr std::array details_fields = {
    Field{1, "name"},
    Field{2, "group"},
    Field{3, "kind"},
    Field{4, "causes", objects, always, &cause},
    Field{5, "retryAfterSeconds", integer},
    Field{6, "uid"},
};
constexpr Message details{details_fields};

constexpr std::array status_fields = {
    Field{1, "metadata", object, always, &list_meta},
    Field{2, "status"},
    Field{3, "message"},
    Field{4, "reason"},
    Field{5, "details", object, optional, &details},
    Field{6, "code", integer},
};
constexpr Message status{status_fields};

constexpr std::array group_version_fields = {Field{1, "groupVersion"}, Field{2, "version"}};
constexpr Message group_version{group_version_fields};

constexpr std::array server_address_fields = {Field{1, "clientCIDR"}, Field{2, "serverAddress"}};
constexpr Message server_address{server_address_fields};

constexpr std::array group_fields = {
    Field{1, "name"},
    Field{2, "versions", objects, always, &group_version},
    Field{3, "preferredVersion", object, always, &group_version},
    Field{4, "serverAddressByClientCIDRs", objects, always, &server_address},
};
constexpr Message group{group_fields};

constexpr std::array group_list_fields = {Field{1, "groups", objects, always, &group}};
constexpr Message group_list{group_list_fields};

constexpr std::array resource_fields = {
    Field{1, "name"},
    Field{2, "namespaced", boolean},
    Field{3, "kind"},
    Field{4, "verbs", verbs},
    Field{5, "shortNames", texts},
    Field{6, "singularName"},
    Field{7, "categories", texts},
    Field{8, "group"},
    Field{9, "version"},
    Field{10, "storageVersionHash"},
};
constexpr Message resource{resource_fields};

constexpr std::array resource_list_fields = {
    Field{1, "groupVersion"},
    Field{2, "resources", objects, always, &resource},
};
constexpr Message resource_list{resource_list_fields};

// apidiscovery.k8s.io
constexpr std::array kind_fields = {Field{1, "group"}, Field{2, "version"}, Field{3, "kind"}};
constexpr Message group_version_kind{kind_fields};

constexpr std::array subresource_fields = {
    Field{1, "subresource"},
    Field{2, "responseKind", object, optional, &group_version_kind},
    Field{3, "acceptedTypes", objects, always, &group_version_kind},
    Field{4, "verbs", texts},
};
constexpr Message subresource_discovery{subresource_fields};

constexpr std::array resource_discovery_fields = {
    Field{1, "resource"},
    Field{2, "responseKind", object, optional, &group_version_kind},
    Field{3, "scope"},
    Field{4, "singularResource"},
    Field{5, "verbs", texts},
    Field{6, "shortNames", texts},
    Field{7, "categories", texts},
    Field{8, "subresources", objects, always, &subresource_discovery},
};
constexpr Message resource_discovery{resource_discovery_fields};

constexpr std::array version_discovery_fields = {
    Field{1, "version"},
    Field{2, "resources", objects, always, &resource_discovery},
    Field{3, "freshness"},
};
constexpr Message version_discovery{version_discovery_fields};

constexpr std::array group_discovery_fields = {
    Field{1, "metadata", object, always, &object_meta},
    Field{2, "versions", objects, always, &version_discovery},
};
constexpr Message group_discovery{group_discovery_fields};

constexpr auto group_discovery_list_fields = list_of(group_discovery);
constexpr Message group_discovery_list{group_discovery_list_fields};

}  // namespace

const ProtobufMessage* find_protobuf_message(std::string_view api_version, std::string_view kind) {
  if (kind == "MetricValueList") return api_version.ends_with("/v1beta1") ? &list_v1beta1 : &list_v1beta2;
  if (kind == "ExternalMetricValueList") return &external_list;
  if (kind == "Status") return &status;
  if (kind == "APIResourceList") return &resource_list;
  if (kind == "APIGroupList") return &group_list;
  if (kind == "APIGroup") return &group;
  if (kind == "APIGroupDiscoveryList") return &group_discovery_list;
  return nullptr;
}

}  // namespace fluxmetrics::kube
