#!/usr/bin/env bash
# package: sigs.k8s.io/prometheus-adapter v0.12.0 (Go), k8s.io/apimachinery as it requires it
# behaviour: the adapter turns the selector of a metric into matchers of Prometheus, where a label that is empty and
#   one that is absent are the same, and a list of values is a regular expression. So `queue` (it exists) leaves out
#   an empty queue that Kubernetes' rule includes, `!queue` includes it, and the dot in `queue in (gpu.a)` matches
#   any character.
# seen: the table below: the rule of Kubernetes beside the query that the adapter makes.
# what it costs: the queue without a name has the name "" in Flux, and a plain instance has no other. An HPA that
#   follows a metric with `matchExpressions: [{key: queue, operator: Exists}]` counts all jobs by a server that
#   follows Kubernetes' rule, and none of this queue through the adapter: the size falls while jobs wait.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > go.mod <<'GO'
module finding
go 1.25
require sigs.k8s.io/prometheus-adapter v0.12.0
GO
cat > main.go <<'GO'
package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/prometheus-adapter/pkg/naming"
)

func main() {
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, meta.RESTScopeRoot)
	converter, err := naming.NewResourceConverter("<<.Resource>>", nil, mapper)
	if err != nil {
		panic(err)
	}
	queries, err := naming.NewExternalMetricsQuery("flux_jobs{<<.LabelMatchers>>}", converter, false)
	if err != nil {
		panic(err)
	}
	fmt.Println("selector          Kubernetes matches \"\", gpu-a   the adapter asks for")
	for _, text := range []string{"queue", "!queue", "queue in (gpu.a)"} {
		selector, err := labels.Parse(text)
		if err != nil {
			panic(err)
		}
		query, err := queries.BuildExternal("flux_jobs", "", "", nil, selector)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%-17s %-27v %-6v %s\n", text, selector.Matches(labels.Set{"queue": ""}),
			selector.Matches(labels.Set{"queue": "gpu-a"}), query)
	}
}
GO
export GOFLAGS=-mod=mod GOWORK=off
go build -o build main.go 2> log || { cat log >&2; exit 2; }
./build | tee seen
diff - seen <<'SEEN' || { echo "changed"; exit 1; }
selector          Kubernetes matches "", gpu-a   the adapter asks for
queue             true                        true   flux_jobs{queue!=""}
!queue            false                       false  flux_jobs{queue=""}
queue in (gpu.a)  false                       false  flux_jobs{queue=~"gpu.a"}
SEEN
echo "still so"
