package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fluxmetrics.test/e2e/lab"
)

// podsOf lists the pods of an index: those that stay, and those that terminate.
func (w *world) podsOf(cluster string, index int) (staying, terminating []corev1.Pod, err error) {
	list, err := w.Client.CoreV1().Pods(lab.Namespace).List(context.Background(), metav1.ListOptions{
		LabelSelector: fmt.Sprintf("hpa-selector=%s,%s=%d", cluster, batchv1.JobCompletionIndexAnnotation, index)})
	if err != nil {
		return nil, nil, err
	}
	for _, pod := range list.Items {
		if pod.DeletionTimestamp != nil {
			terminating = append(terminating, pod)
		} else {
			staying = append(staying, pod)
		}
	}
	return staying, terminating, nil
}

// expectPods is no error when the index has so many pods.
func (w *world) expectPods(cluster string, index, staying, terminating int) error {
	stay, terminate, err := w.podsOf(cluster, index)
	if err == nil && (len(stay) != staying || len(terminate) != terminating) {
		err = fmt.Errorf("%s has %d pods of index %d, and %d that terminate; not %d and %d", cluster, len(stay), index,
			len(terminate), staying, terminating)
	}
	return err
}

// A pod that is taken away ignores SIGTERM: until its grace period ends its broker runs on and takes jobs. When the
// MiniCluster grows meanwhile, there is a new pod at once, whose broker takes the rank over: what runs on the old one
// fails. Of a rank that is drained and empty nothing is lost, and the drain stays.
func testGrowOverTerminating(t *testing.T, w *world) {
	const grace = 15 * time.Second
	w.becomes(t, sample, 2, 30*time.Second)
	w.Kubelet.SetGrace(grace)
	t.Cleanup(func() {
		w.Kubelet.SetGrace(lab.ShortGrace)
		_, err := w.flux.Control("undrain", "2-3")
		if err != nil {
			t.Logf("nothing to undrain: %v", err)
		}
		w.scale(t, sample, 2)
		w.becomes(t, sample, 2, 60*time.Second)
		eventually(t, 30*time.Second, func() error { return w.expectMetric("node_up_count", 2) })
	})
	pods := func(staying, terminating int) {
		t.Helper()
		eventually(t, 5*time.Second, func() error {
			if err := w.expectPods(sample, 2, staying, terminating); err != nil {
				return err
			}
			return w.expectPods(sample, 3, staying, terminating)
		})
	}
	grow := func() {
		t.Helper()
		w.scale(t, sample, 4)
		w.becomes(t, sample, 4, 60*time.Second)
		eventually(t, 20*time.Second, func() error { return w.expectMetric("node_up_count", 4) })
	}

	grow()
	failed := w.metric(t, "job_failed_count")
	w.scale(t, sample, 2)
	pods(0, 1)
	_, err := w.flux.Control("submit", "-N4", "--duration", "10m")
	must(t, err)
	eventually(t, 5*time.Second, func() error { return w.expectMetric("job_running_count", 1) })
	w.scale(t, sample, 4)
	pods(1, 1)
	eventually(t, 5*time.Second, func() error { return w.expectMetric("job_failed_count", failed+1) })
	must(t, w.expectPods(sample, 3, 1, 1)) // so it was not the end of the old pod
	grow()

	_, err = w.flux.Control("drain", "2-3", "scale-down")
	must(t, err)
	job, err := w.flux.Control("submit", "-N2", "--duration", "10m")
	must(t, err)
	eventually(t, 10*time.Second, func() error { return w.expectMetric("job_running_count", 1) })
	w.scale(t, sample, 2)
	pods(0, 1)
	w.scale(t, sample, 4)
	pods(1, 1)
	w.becomes(t, sample, 4, 60*time.Second)
	must(t, lab.Hold(2*time.Second, 200*time.Millisecond, func() error { return w.expectMetric("node_drained_count", 2) }))
	must(t, w.expectMetric("job_running_count", 1))
	must(t, w.expectMetric("job_failed_count", failed+1))
	_, err = w.flux.Control("undrain", "2-3")
	must(t, err)
	eventually(t, 20*time.Second, func() error { return w.expectMetric("node_up_count", 4) })
	_, err = w.flux.Control("cancel", job)
	must(t, err)
}

// A pod that is evicted while its index stays counts as a failure of the Job, and every pod that the Job makes after it
// waits: 10 s, doubled with each further failure. So does growth.
func testEvictionsDelayGrowth(t *testing.T, w *world) {
	const name = "evicted"
	w.makeMiniCluster(t, name, 2, 3)
	t.Cleanup(func() { w.deleteMiniCluster(t, name) })
	failures := func() int {
		job, err := w.Client.BatchV1().Jobs(lab.Namespace).Get(context.Background(), name, metav1.GetOptions{})
		must(t, err)
		return int(job.Status.Failed)
	}
	w.scale(t, name, 3)
	w.becomes(t, name, 3, 30*time.Second)
	w.scale(t, name, 2)
	w.becomes(t, name, 2, 30*time.Second)
	if count := failures(); count != 0 {
		t.Errorf("a shrink counts as %d failures", count)
	}
	stays, _, err := w.podsOf(name, 1)
	must(t, err)
	begin := time.Now()
	must(t, w.Client.CoreV1().Pods(lab.Namespace).Delete(context.Background(), stays[0].Name, metav1.DeleteOptions{}))
	eventually(t, 10*time.Second, func() error {
		if count := failures(); count != 1 {
			return fmt.Errorf("the Job has %d failures", count)
		}
		return nil
	})
	w.scale(t, name, 3)
	must(t, lab.Hold(6*time.Second-time.Since(begin), 200*time.Millisecond, func() error { return w.expectPods(name, 2, 0, 0) }))
	w.becomes(t, name, 3, 60*time.Second)
	t.Logf("the growth after an eviction took %s", time.Since(begin).Round(100*time.Millisecond))
}
