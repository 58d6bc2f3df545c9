#!/usr/bin/env bash
# package: sigs.k8s.io/kustomize/api v0.21.2 (Go), what `kubectl kustomize` and `kubectl apply -k` run
# behaviour: `namePrefix: dev-` renames everything, and follows the name of a Service into an APIService and that of
#   a Deployment into scaleTargetRef. It follows neither the name of a custom resource into scaleTargetRef nor any
#   name into metrics[].object.describedObject.
# seen: MiniCluster dev-flux-sample, Service dev-custom-metrics-apiserver, and an HPA that still scales flux-sample
#   by custom-metrics-apiserver; beside it an HPA of a Deployment that was followed.
# what it costs: an overlay for a second environment gives an HPA that finds neither its target nor its metric
#   (FailedGetScale). Where the first environment is in the same namespace, it finds both there: the HPA of `dev`
#   resizes the cluster of production. `replacements` in the kustomization, or a configuration with `nameReference`,
#   mends it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir overlay
cat > overlay/kustomization.yaml <<'YAML'
namePrefix: dev-
resources: [all.yaml]
YAML
cat > overlay/all.yaml <<'YAML'
apiVersion: flux-framework.org/v1alpha2
kind: MiniCluster
metadata: {name: flux-sample}
spec: {size: 2, maxSize: 4, containers: [{image: example}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {a: b}}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: example}]}}
---
apiVersion: v1
kind: Service
metadata: {name: custom-metrics-apiserver}
spec: {ports: [{port: 443}]}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta2.custom.metrics.k8s.io}
spec:
  group: custom.metrics.k8s.io
  version: v1beta2
  groupPriorityMinimum: 100
  versionPriority: 200
  service: {name: custom-metrics-apiserver, namespace: default}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: nodes}
spec:
  scaleTargetRef: {apiVersion: flux-framework.org/v1alpha2, kind: MiniCluster, name: flux-sample}
  maxReplicas: 4
  metrics:
  - type: Object
    object:
      metric: {name: node_wanted_count}
      describedObject: {apiVersion: v1, kind: Service, name: custom-metrics-apiserver}
      target: {type: AverageValue, averageValue: "1"}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 4
YAML
cat > go.mod <<'GO'
module finding
go 1.25
require sigs.k8s.io/kustomize/api v0.21.2
GO
cat > main.go <<'GO'
package main

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func main() {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "overlay")
	if err != nil {
		panic(err)
	}
	for _, object := range built.Resources() {
		fmt.Println(object.GetKind(), strings.TrimPrefix(object.GetName(), "v1beta2."))
		for _, path := range []string{
			"spec.service.name", "spec.scaleTargetRef.name", "spec.metrics.0.object.describedObject.name",
		} {
			if name, err := object.GetFieldValue(path); err == nil {
				fmt.Println("  ", path, "=", name)
			}
		}
	}
}
GO
export GOFLAGS=-mod=mod GOWORK=off
go build -o build main.go 2> log || { cat log >&2; exit 2; }
./build | tee seen
diff - seen <<'SEEN' || { echo "changed"; exit 1; }
MiniCluster dev-flux-sample
Deployment dev-web
Service dev-custom-metrics-apiserver
APIService custom.metrics.k8s.io
   spec.service.name = dev-custom-metrics-apiserver
HorizontalPodAutoscaler dev-nodes
   spec.scaleTargetRef.name = flux-sample
   spec.metrics.0.object.describedObject.name = custom-metrics-apiserver
HorizontalPodAutoscaler dev-web
   spec.scaleTargetRef.name = dev-web
SEEN
echo "still so"
