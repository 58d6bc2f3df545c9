// Of an HPA in a cluster: what the metrics APIs say of its metrics, asked as its controller asks them, and
// what is wrong with those that do not say it.
#pragma once

#include <string>

#include <boost/json/value.hpp>

#include "explain/cluster_reader.hpp"
#include "explain/subject.hpp"

namespace fluxmetrics::explain {

// {"cpu": "250m", ...} in thousandths.
[[nodiscard]] hpa::Resources resources_of(const boost::json::value& quantities);

// After the target and its pods are read.
void read_values(ClusterReader& cluster, const std::string& ns, ExplainSubject& subject);

}  // namespace fluxmetrics::explain
