// Of an HPA in a cluster: its target's scale, the pods behind it, and the other HPAs on these.
#pragma once

#include <string>

#include "explain/cluster_reader.hpp"
#include "explain/subject.hpp"

namespace fluxmetrics::explain {

// /apis/autoscaling/v2/namespaces/NS/horizontalpodautoscalers
[[nodiscard]] std::string hpas_of(const std::string& ns);

// Fills in the observation and the facts of `subject`. What the kubeconfig's user may not see is taken from
// the HPA's status, or assumed, and said.
void read_target(ClusterReader& cluster, const std::string& ns, ExplainSubject& subject);
// After read_target(). Without a selector no pod is listed, and nobody else's are taken for the target's.
void read_pods(ClusterReader& cluster, const std::string& ns, ExplainSubject& subject);
void read_rivals(ClusterReader& cluster, const std::string& ns, ExplainSubject& subject);

}  // namespace fluxmetrics::explain
