package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"fluxmetrics.test/e2e/lab"
)

// The wanted size takes the MiniCluster from 2 to 4 for a job that needs 4 nodes, and back to 2 after it. The job
// runs to its end. The HPA is that of deploy/. What `kubectl get hpa -w` shows meanwhile is kept beside the logs.
func testWantedHPA(t *testing.T, w *world) {
	const name, duration = "wanted", 10 * time.Second
	w.becomes(t, sample, 2, 30*time.Second)
	finished := w.metric(t, "job_queue_state_inactive_count")
	w.hpa(t, deployedHPA(t, name), name)
	transcript, err := w.KubectlBackground("get", "hpa", name, "-n", lab.Namespace, "-w")
	must(t, err)
	eventually(t, 60*time.Second, func() error { return w.validMetric(name) })
	time.Sleep(2 * time.Second) // so that the transcript shows the HPA at rest
	_, err = w.flux.Control("submit", "-N4", "--duration", duration.String())
	must(t, err)
	eventually(t, 60*time.Second, func() error { return w.expectMetric("job_running_count", 1) })
	started := time.Now()
	w.becomes(t, sample, 4, time.Second)
	eventually(t, 60*time.Second, func() error {
		if size, err := w.size(sample); err != nil || size != 4 {
			return lab.Final(fmt.Errorf("the size is %d, not 4, while the job runs (%v)", size, err))
		}
		return w.expectMetric("job_running_count", 0)
	})
	// A job that lost a node would have ended before its time.
	if ran := time.Since(started); ran < duration-time.Second {
		t.Errorf("the job of %s ended after %s", duration, ran)
	}
	must(t, w.expectMetric("job_queue_state_inactive_count", finished+1))
	w.becomes(t, sample, 2, 60*time.Second)
	time.Sleep(3 * time.Second) // as above
	must(t, os.WriteFile(filepath.Join(lab.LogDir(), "hpa-2-4-2.txt"), []byte(transcript()), 0o644))
}

// Two HPAs follow the same number, each with its own MiniCluster. Two HPAs on one MiniCluster are refused by the
// controller, and its size stays.
func testTwoHPAs(t *testing.T, w *world) {
	const other = "second-sample"
	w.becomes(t, sample, 2, 30*time.Second)
	w.makeMiniCluster(t, other, 2, 4)
	t.Cleanup(func() { w.deleteMiniCluster(t, other) })
	w.hpa(t, hpaText("first", sample, 2, 4, objectMetric("node_wanted_count")), "first")
	w.hpa(t, hpaText("second", other, 2, 4, objectMetric("node_wanted_count")), "second")
	_, err := w.flux.Control("submit", "-N4", "--duration", "8s")
	must(t, err)
	w.becomes(t, sample, 4, 60*time.Second)
	w.becomes(t, other, 4, 30*time.Second)
	w.becomes(t, sample, 2, 60*time.Second)
	w.becomes(t, other, 2, 30*time.Second)
	w.hpa(t, hpaText("rival", other, 2, 4, objectMetric("node_wanted_count")), "rival")
	eventually(t, 30*time.Second, func() error {
		return w.condition("rival", autoscalingv2.ScalingActive, "False", "AmbiguousSelector")
	})
}
