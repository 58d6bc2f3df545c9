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

// An External metric is summed over its series by the controller; node_up_count has one.
func testExternalHPA(t *testing.T, w *world) {
	const name = "external-sample"
	w.makeMiniCluster(t, name, 1, 4)
	t.Cleanup(func() { w.deleteMiniCluster(t, name) })
	w.hpa(t, hpaText(name, name, 1, 4, `{type: External, external: {
		metric: {name: node_up_count}, target: {type: AverageValue, averageValue: "1"}}}`), name)
	w.becomes(t, name, 2, 60*time.Second)
	must(t, w.validMetric(name))
	output, err := w.Kubectl("api-resources", "--api-group=external.metrics.k8s.io")
	must(t, err)
	must(t, contains(output, "node_up_count", "ExternalMetricValueList"))
}

// A Pods metric is a number for each rank, given to the pod of its index. Two pods with 4 busy cores each, where 2 are
// asked for, need two pods more.
func testPodsHPA(t *testing.T, w *world) {
	const name = "pods-sample"
	w.becomes(t, sample, 2, 30*time.Second)
	w.hpa(t, hpaText(name, sample, 2, 4, `{type: Pods, pods: {
		metric: {name: node_cores_allocated_count}, target: {type: AverageValue, averageValue: "2"}}}`), name)
	eventually(t, 60*time.Second, func() error { return w.validMetric(name) })
	_, err := w.flux.Control("submit", "-N2", "--duration", "15s")
	must(t, err)
	w.becomes(t, sample, 4, 60*time.Second)
	w.becomes(t, sample, 2, 60*time.Second)
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

// The controller asks for miniclusters.flux-framework.org/NAME; the server has the name from its leader's host.
func testMiniClusterObjectHPA(t *testing.T, w *world) {
	const name = "object-sample"
	w.makeMiniCluster(t, name, 1, 4)
	t.Cleanup(func() { w.deleteMiniCluster(t, name) })
	w.hpa(t, hpaText(name, name, 1, 4, `{type: Object, object: {
		describedObject: {apiVersion: flux-framework.org/v1alpha2, kind: MiniCluster, name: flux-sample},
		metric: {name: node_up_count}, target: {type: AverageValue, averageValue: "1"}}}`), name)
	w.becomes(t, name, 2, 60*time.Second)
	must(t, w.validMetric(name))
}
