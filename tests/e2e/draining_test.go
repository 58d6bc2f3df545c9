package e2e

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"fluxmetrics.test/e2e/lab"
)

// drainArgs are those of a server that drains for the HPA of deploy/, which reads it and nobody else does.
func drainArgs() []string {
	return []string{"--drain", "--hold", "1s", "--patience", "0s", "--min-replicas", "2", "--max-replicas", "4",
		"--drain-handed-out-for", "0s"}
}

// drains has the server drain, an HPA follow it, and pods outlive their deletion, until the case ends.
func (w *world) drains(t *testing.T, hpa string, grace time.Duration) {
	t.Helper()
	w.becomes(t, sample, 2, 30*time.Second)
	w.Kubelet.SetGrace(grace)
	must(t, w.flux.Server.Restart(drainArgs()))
	t.Cleanup(func() {
		w.Kubelet.SetGrace(lab.ShortGrace)
		must(t, w.flux.Server.Restart(serverArgs()))
		if _, err := w.flux.Control("undrain", "2-3"); err != nil {
			t.Logf("nothing to undrain: %v", err)
		}
		eventually(t, 60*time.Second, func() error { return w.expectMetric("node_up_count", 2) })
	})
	w.hpa(t, deployedHPA(t, hpa), hpa)
	eventually(t, 60*time.Second, func() error { return w.validMetric(hpa) })
}

// wide has a job of all four nodes run for this long. It returns when the job runs: the MiniCluster has grown.
func (w *world) wide(t *testing.T, duration string) {
	t.Helper()
	_, err := w.flux.Control("submit", "-N4", "--duration", duration)
	must(t, err)
	eventually(t, 90*time.Second, func() error { return w.expectMetric("job_running_count", 1) })
}

// sizeIs is no error when spec.size is this.
func (w *world) sizeIs(want int) error {
	size, err := w.size(sample)
	if err == nil && size != want {
		err = fmt.Errorf("the size is %d, not %d", size, want)
	}
	return err
}

// drainRounds is how often the case below shrinks the MiniCluster: DRAIN_ROUNDS=50 for as many.
func drainRounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("DRAIN_ROUNDS")
	if text == "" {
		return 2
	}
	rounds, err := strconv.Atoi(text)
	must(t, err)
	return rounds
}

// The HPA shrinks the MiniCluster from 4 to 2, and in the same second as many jobs arrive as there are nodes, while the
// brokers of the pods that go still take jobs. With --drain none of them is killed.
func testDrainRounds(t *testing.T, w *world) {
	w.drains(t, "drain-rounds", 5*time.Second)
	failed, finished := w.metric(t, "job_failed_count"), w.metric(t, "job_queue_state_inactive_count")
	rounds, jobs := drainRounds(t), 0
	for round := range rounds {
		w.wide(t, "1s")
		eventually(t, 60*time.Second, func() error { return w.expectMetric("node_wanted_count", 2) })
		if round%2 == 0 { // else while the HPA decides
			must(t, lab.Wait(60*time.Second, 20*time.Millisecond, func() error { return w.sizeIs(2) }))
		}
		for range 4 {
			_, err := w.flux.Control("submit", "-N1", "--exclusive", "--duration", "1s")
			must(t, err)
		}
		jobs += 5
		eventually(t, 90*time.Second, func() error { return w.expectMetric("job_queue_state_inactive_count", finished+jobs) })
		must(t, w.expectMetric("job_failed_count", failed))
		eventually(t, 90*time.Second, func() error { return w.sizeIs(2) })
	}
	t.Logf("%d shrinks from 4 to 2, %d jobs, none killed", rounds, jobs)
}

// A server that is killed at a step of a growth or of a shrink leaves nothing behind: the next one goes on from Flux's
// drains and what the cluster tells, no job dies, and the size ends where it should.
func testDrainKilled(t *testing.T, w *world) {
	w.drains(t, "drain-killed", 3*time.Second)
	failed := w.metric(t, "job_failed_count")
	now := func() error { return nil }
	metric := func(name string, value int) func() error {
		return func() error { return w.expectMetric(name, value) }
	}
	size := func(value int) func() error { return func() error { return w.sizeIs(value) } }
	pods := func(staying, terminating int) func() error {
		return func() error { return w.expectPods(sample, 3, staying, terminating) }
	}
	growths := []step{{"more is needed", now}, {"more is published", metric("node_wanted_count", 4)},
		{"the size is larger", size(4)}, {"there are new pods", pods(1, 0)},
		{"the new ranks are undrained", metric("node_drained_count", 0)}, {"the job runs", metric("job_running_count", 1)}}
	shrinks := []step{{"the job has ended", now}, {"ranks are drained", metric("node_drained_count", 2)},
		{"less is published", metric("node_wanted_count", 2)}, {"the size is smaller", size(2)},
		{"pods terminate", pods(0, 1)}, {"pods are gone", pods(0, 0)}}
	for i := range shrinks {
		t.Logf("killed when %s, and when %s", growths[i].name, shrinks[i].name)
		_, err := w.flux.Control("submit", "-N4", "--duration", "4s")
		must(t, err)
		w.killAt(t, growths[i])
		eventually(t, 90*time.Second, metric("job_running_count", 1))
		eventually(t, 30*time.Second, metric("job_running_count", 0))
		w.killAt(t, shrinks[i])
		eventually(t, 90*time.Second, size(2))
		w.becomes(t, sample, 2, 60*time.Second)
		must(t, w.expectMetric("job_failed_count", failed))
	}
}

// step is a moment of a resize: the first at which reached is no error.
type step struct {
	name    string
	reached func() error
}

// killAt kills the server at that moment, and starts the next one.
func (w *world) killAt(t *testing.T, at step) {
	t.Helper()
	if err := lab.Wait(90*time.Second, 20*time.Millisecond, at.reached); err != nil {
		t.Fatalf("when %s: %v", at.name, err)
	}
	w.flux.Server.Kill()
	must(t, w.flux.Server.Restart(nil))
	eventually(t, 30*time.Second, func() error {
		_, err := w.value("node_wanted_count")
		return err
	})
}
