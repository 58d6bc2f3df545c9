package e2e

import (
	"fmt"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"fluxmetrics.test/e2e/lab"
)

// holds is no error while the MiniCluster keeps its size.
func (w *world) holds(cluster string, want int) error {
	size, err := w.size(cluster)
	if err == nil && size != want {
		err = lab.Final(fmt.Errorf("%s went from %d to %d", cluster, want, size))
	}
	return err
}

// A dead broker is no number: for two minutes the APIService stays Available, namespaces can be deleted, and the HPA
// keeps the size that a zero would have shrunk to 1.
func testBrokerDead(t *testing.T, w *world) {
	const name = "broker-dead"
	w.becomes(t, sample, 2, 30*time.Second)
	_, err := w.flux.Control("submit", "-N2", "--duration", "10m")
	must(t, err)
	w.hpa(t, hpaText(name, sample, 1, 4, objectMetric("node_wanted_count")), name)
	eventually(t, 60*time.Second, func() error { return w.validMetric(name) })
	must(t, w.holds(sample, 2))
	w.flux.KillBroker()
	dead := time.Now()
	steady := func() error {
		if err := w.available("v1beta2.custom.metrics.k8s.io"); err != nil {
			return lab.Final(err)
		}
		return w.holds(sample, 2)
	}
	eventually(t, 60*time.Second, func() error {
		if err := steady(); err != nil {
			return err
		}
		return w.condition(name, autoscalingv2.ScalingActive, "False", "FailedGetObjectMetric")
	})
	t.Logf("the HPA says so %s after the broker's death", time.Since(dead).Round(time.Second))
	w.deleteNamespace(t, "while-broker-is-dead", 30*time.Second)
	must(t, lab.Hold(2*time.Minute-time.Since(dead), time.Second, steady))
	must(t, w.flux.RestartBroker())
	eventually(t, 60*time.Second, func() error { return w.validMetric(name) })
	w.becomes(t, sample, 1, 60*time.Second) // the job died with the broker
	w.backToTwo(t, name)
}

// While the server is down its APIService is not available; the HPA keeps the size. Both recover by themselves.
//
// From 1.37 on an HPA is synced in the moment that it is made: what its metric says then is acted on. So the world has
// to be at rest before. A pod is Ready before its broker has joined, and when a pod went and came within the second
// that the server may be behind, it says 2, 1 and 2 again.
func testServerDown(t *testing.T, w *world) {
	const name = "server-down"
	w.becomes(t, sample, 2, 30*time.Second)
	eventually(t, 60*time.Second, func() error {
		return lab.Hold(3*time.Second, 200*time.Millisecond, func() error { return w.expectMetric("node_up_count", 2) })
	})
	w.hpa(t, hpaText(name, sample, 1, 4, objectMetric("node_up_count")), name)
	eventually(t, 60*time.Second, func() error { return w.validMetric(name) })
	w.killServer(t)
	eventually(t, 90*time.Second, func() error {
		if err := w.holds(sample, 2); err != nil {
			return err
		}
		if w.available("v1beta2.custom.metrics.k8s.io") == nil {
			return fmt.Errorf("the APIService is still available")
		}
		return w.condition(name, autoscalingv2.ScalingActive, "False", "FailedGetObjectMetric")
	})
	must(t, w.flux.Server.Restart(nil))
	eventually(t, 90*time.Second, func() error {
		if err := w.holds(sample, 2); err != nil {
			return err
		}
		if err := w.available("v1beta2.custom.metrics.k8s.io"); err != nil {
			return err
		}
		return w.validMetric(name)
	})
}

// killServer ends the server as a crash does. A case that fails before it has started it again does so when it ends, so
// that those after it have one.
func (w *world) killServer(t *testing.T) {
	t.Helper()
	w.flux.Server.Kill()
	t.Cleanup(func() {
		if !w.flux.Server.Running() {
			must(t, w.flux.Server.Restart(nil))
		}
	})
}

// backToTwo takes an HPA away and gives the article's MiniCluster its size again.
func (w *world) backToTwo(t *testing.T, hpa string) {
	t.Helper()
	_, err := w.Kubectl("patch", "hpa", hpa, "-n", lab.Namespace, "--type=merge", "-p", `{"spec":{"minReplicas":2}}`)
	must(t, err)
	w.becomes(t, sample, 2, 30*time.Second)
}

// restoreAfterFailure gives the article's MiniCluster its size again when a case fails: one fault is one failure.
func (w *world) restoreAfterFailure(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		_, err := w.Kubectl("patch", "minicluster", sample, "-n", lab.Namespace, "--type=merge", "-p", `{"spec":{"size":2}}`)
		if err != nil {
			t.Errorf("cannot give %s its size again: %v", sample, err)
		}
	})
}
