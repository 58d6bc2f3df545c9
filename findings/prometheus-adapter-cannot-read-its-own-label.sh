#!/usr/bin/env bash
# package: sigs.k8s.io/prometheus-adapter v0.12.0 (Go)
# behaviour: with `resources: {template: "kube_<<.Group>>_<<.Resource>>"}` the adapter writes the label of a
#   resource with its group's dots and dashes as underscores, but reads a label without turning them back. A group
#   that has a dot in its name (every custom resource) is never found in a series; `apps` is.
# seen: kube_apps_deployment -> deployments.apps; kube_flux_framework_org_minicluster -> nothing, although this is
#   the label that the adapter itself makes for miniclusters.flux-framework.org. Once it has made it, it can read
#   it; but it makes it only for a series that it has read.
# what it costs: a metric labelled as the template asks does not exist for the HPA of a MiniCluster (404), and the
#   log says nothing below verbosity 9. An entry in `overrides` for the label works.
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

	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	prom "sigs.k8s.io/prometheus-adapter/pkg/client"
	"sigs.k8s.io/prometheus-adapter/pkg/naming"
)

func main() {
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, meta.RESTScopeNamespace)
	minicluster := schema.GroupVersionKind{Group: "flux-framework.org", Version: "v1alpha2", Kind: "MiniCluster"}
	mapper.Add(minicluster, meta.RESTScopeNamespace)
	converter, err := naming.NewResourceConverter("kube_<<.Group>>_<<.Resource>>", nil, mapper)
	if err != nil {
		panic(err)
	}
	read := func(label string) {
		found, _ := converter.ResourcesForSeries(prom.Series{
			Name: "flux_nodes", Labels: model.LabelSet{model.LabelName(label): "flux-sample"}})
		fmt.Println("a series with", label, "belongs to", found)
	}
	read("kube_apps_deployment")
	read("kube_flux_framework_org_minicluster")
	label, err := converter.LabelForResource(schema.GroupResource{Group: minicluster.Group, Resource: "miniclusters"})
	fmt.Println("the label of miniclusters.flux-framework.org is", label, err)
	read("kube_flux_framework_org_minicluster")
}
GO
export GOFLAGS=-mod=mod GOWORK=off
go build -o build main.go 2> log || { cat log >&2; exit 2; }
./build | tee seen
diff - seen <<'SEEN' || { echo "changed"; exit 1; }
a series with kube_apps_deployment belongs to [deployments.apps]
a series with kube_flux_framework_org_minicluster belongs to []
the label of miniclusters.flux-framework.org is kube_flux_framework_org_minicluster <nil>
a series with kube_flux_framework_org_minicluster belongs to [miniclusters.flux-framework.org]
SEEN
echo "still so"
