package e2e

import (
	"testing"
	"time"
)

// The article's HPA on CPU, with another MiniCluster's name: metrics.k8s.io is a stand-in here. It scales through
// the same scale subresource.
func testCPUHPA(t *testing.T, w *world) {
	const name, cluster = "cpu-hpa", "cpu-sample"
	metrics := w.metricsServer(t)
	w.makeMiniCluster(t, cluster, 2, 4)
	t.Cleanup(func() { w.deleteMiniCluster(t, cluster) })
	metrics.SetCPU(500)
	must(t, w.Apply("article-hpa-cpu.yaml", "flux-sample-hpa", name, "flux-sample", cluster))
	t.Cleanup(func() { w.deleteHPA(t, name) })
	w.becomes(t, cluster, 4, 60*time.Second)
	metrics.SetCPU(1)
	w.becomes(t, cluster, 2, 60*time.Second)
	must(t, w.validMetric(name))
}

// An Object metric that describes the namespace has a path of its own: .../namespaces/NS/metrics/METRIC.
func testNamespaceObjectHPA(t *testing.T, w *world) {
	const name = "namespace-sample"
	w.makeMiniCluster(t, name, 1, 4)
	t.Cleanup(func() { w.deleteMiniCluster(t, name) })
	w.hpa(t, hpaText(name, name, 1, 4, `{type: Object, object: {
		describedObject: {apiVersion: v1, kind: Namespace, name: flux-operator},
		metric: {name: node_up_count}, target: {type: AverageValue, averageValue: "1"}}}`), name)
	w.becomes(t, name, 2, 60*time.Second)
	must(t, w.validMetric(name))
}
