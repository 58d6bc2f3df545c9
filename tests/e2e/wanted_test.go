package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"fluxmetrics.test/e2e/lab"
)

// The wanted size takes the MiniCluster from 2 to 4 for a job that needs 4 nodes, and back to 2 after it. The job
// ends well. What `kubectl get hpa -w` shows meanwhile is kept beside the logs.
func testWantedHPA(t *testing.T, w *world) {
	const name = "wanted"
	w.becomes(t, sample, 2, 30*time.Second)
	succeeded, err := w.flux.Metric("job_successful_count")
	must(t, err)
	w.hpa(t, hpaText(name, sample, 2, 4, objectMetric("node_wanted_count")), name)
	transcript, err := w.KubectlBackground("get", "hpa", name, "-n", lab.Namespace, "-w")
	must(t, err)
	eventually(t, 60*time.Second, func() error { return w.validMetric(name) })
	time.Sleep(2 * time.Second) // so that the transcript shows the HPA at rest
	_, err = w.flux.Control("submit", "-N4", "--duration", "10s")
	must(t, err)
	w.becomes(t, sample, 4, 30*time.Second)
	w.becomes(t, sample, 2, 60*time.Second)
	time.Sleep(3 * time.Second) // likewise
	text := transcript()
	must(t, os.WriteFile(filepath.Join(lab.LogDir(), "hpa-2-4-2.txt"), []byte(text), 0o644))
	after, err := w.flux.Metric("job_successful_count")
	must(t, err)
	failed, err := w.flux.Metric("job_failed_count")
	must(t, err)
	if after != succeeded+1 || failed != 0 {
		t.Errorf("%v jobs succeeded before, %v after; %v failed", succeeded, after, failed)
	}
}
