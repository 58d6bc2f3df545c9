#!/usr/bin/env bash
# package: sigs.k8s.io/cli-utils v0.37.2 (Go: kstatus, by which deployment tools wait),
#   github.com/argoproj/argo-cd/gitops-engine v0.0.0-20260914071520-c9c369efcc5b (Argo CD's health); about 3 min to
#   compile
# behaviour: kstatus calls every HPA "Current" whose generation was observed, whatever its conditions say, and a
#   MiniCluster as well, whatever its status says. Argo CD knows the reasons of a missing metric, but calls an HPA
#   with AmbiguousSelector or ScalingDisabled "Healthy", since AbleToScale is True, and has no word for a
#   MiniCluster.
# seen: the table below. "InProgress" is an HPA of Kubernetes 1.37 whose spec was edited while its target could not
#   be read: observedGeneration is not written then.
# what it costs: a deployment that is green, with an HPA that will never act: two HPAs on one MiniCluster, or a size
#   that was set to 0 by hand. `kubectl wait --for=condition=ScalingActive hpa/NAME` asks the right question.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > go.mod <<'GO'
module finding
go 1.26
require (
	github.com/argoproj/argo-cd/gitops-engine v0.0.0-20260914071520-c9c369efcc5b
	sigs.k8s.io/cli-utils v0.37.2
)
GO
cat > main.go <<'GO'
package main

import (
	"fmt"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func judge(title, text string) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON([]byte(text)); err != nil {
		panic(err)
	}
	current, err := status.Compute(object)
	if err != nil {
		panic(err)
	}
	argo := "(no opinion)"
	verdict, err := health.GetResourceHealth(object, nil)
	if err != nil {
		panic(err)
	}
	if verdict != nil {
		argo = string(verdict.Status)
	}
	fmt.Printf("%-46s kstatus %-10s  Argo CD %s\n", title, current.Status, argo)
}

func hpa(generation int, able, active string) string {
	return fmt.Sprintf(`{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler",
"metadata":{"name":"a","namespace":"b","generation":%d},
"spec":{"maxReplicas":4,
"scaleTargetRef":{"apiVersion":"flux-framework.org/v1alpha2","kind":"MiniCluster","name":"a"}},
"status":{"observedGeneration":1,"currentReplicas":2,"desiredReplicas":2,"conditions":[%s,%s]}}`,
		generation, able, active)
}

func condition(kind, status, reason string) string {
	return fmt.Sprintf(`{"type":"%s","status":"%s","reason":"%s","message":"..."}`, kind, status, reason)
}

func main() {
	able := condition("AbleToScale", "True", "SucceededGetScale")
	for _, reason := range []string{"FailedGetObjectMetric", "AmbiguousSelector", "ScalingDisabled"} {
		judge("HPA, ScalingActive False "+reason, hpa(1, able, condition("ScalingActive", "False", reason)))
	}
	failed := condition("AbleToScale", "False", "FailedGetScale")
	active := condition("ScalingActive", "True", "ValidMetricFound")
	judge("HPA, AbleToScale False FailedGetScale", hpa(1, failed, active))
	judge("the same, its spec edited meanwhile", hpa(2, failed, active))
	judge("MiniCluster of size 9 over maxSize 4, 2 run", `{"apiVersion":"flux-framework.org/v1alpha2","kind":"MiniCluster",
"metadata":{"name":"a","namespace":"b","generation":2},
"spec":{"size":9,"maxSize":4},"status":{"maximumSize":4,"size":2}}`)
}
GO
export GOFLAGS=-mod=mod GOWORK=off
go build -o build main.go 2> log || { cat log >&2; exit 2; }
./build | tee seen
diff - seen <<'SEEN' || { echo "changed"; exit 1; }
HPA, ScalingActive False FailedGetObjectMetric kstatus Current     Argo CD Degraded
HPA, ScalingActive False AmbiguousSelector     kstatus Current     Argo CD Healthy
HPA, ScalingActive False ScalingDisabled       kstatus Current     Argo CD Healthy
HPA, AbleToScale False FailedGetScale          kstatus Current     Argo CD Degraded
the same, its spec edited meanwhile            kstatus InProgress  Argo CD Degraded
MiniCluster of size 9 over maxSize 4, 2 run    kstatus Current     Argo CD (no opinion)
SEEN
echo "still so"
