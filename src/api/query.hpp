// The query parameters of a metric GET, checked as the Go server checks them.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"
#include "kube/metric_value.hpp"
#include "kube/selector.hpp"

namespace fluxmetrics::api {

struct FieldTerm {
  std::string key;  // "metadata.name" or "metadata.namespace"
  bool equal = true;
  std::string value;
};

struct MetricQuery {
  kube::Selector labels;         // of the described objects
  kube::Selector metric_labels;  // of the metric's items
  boost::json::value echo;       // metric_labels as answers repeat it
  std::vector<FieldTerm> fields;
};

// Errors: Code::invalid with the message of a 400. limit and timeout are checked and otherwise ignored.
[[nodiscard]] Result<MetricQuery> parse_query(const http::Target& target);

// Whether the object passes labelSelector and fieldSelector. `labels` are those we know it to have.
[[nodiscard]] bool selects(const MetricQuery& query, const kube::ObjectReference& object,
                           const std::vector<std::pair<std::string, std::string>>& labels);

}  // namespace fluxmetrics::api
