package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"fluxmetrics.test/e2e/lab"
)

const liveMetric = "node_wanted_count"

// The real controller and `plan` agree on a live scenario, sync by sync: it grows by its policies, holds its size
// while the server is gone, and shrinks by its window and policies. What the controller read and did comes from
// kube-apiserver's audit log and the controller's own log; none of it is computed here.
func testPlanLive(t *testing.T, w *world) {
	const cluster, name = "live-sample", "live-hpa"
	w.makeMiniCluster(t, cluster, 1, 4)
	t.Cleanup(func() { w.deleteMiniCluster(t, cluster) })
	// The status has no size before the first resize, and the HPA's status no metric then.
	_, err := w.Kubectl("scale", "minicluster", cluster, "-n", lab.Namespace, "--replicas=2")
	must(t, err)
	w.becomes(t, cluster, 2, 30*time.Second)
	text, err := w.Manifest("live-hpa.yaml")
	must(t, err)
	w.hpa(t, text, name)
	w.becomes(t, cluster, 1, 60*time.Second) // nothing is wanted: down to the minimum when the window is over
	job, err := w.flux.Control("submit", "-N4", "--duration", "10m")
	must(t, err)
	w.becomes(t, cluster, 4, 60*time.Second)
	w.killServer(t)
	eventually(t, 60*time.Second, func() error {
		return w.condition(name, autoscalingv2.ScalingActive, "False", "FailedGetObjectMetric")
	})
	must(t, lab.Hold(3*time.Second, 500*time.Millisecond, func() error { return w.holds(cluster, 4) }))
	must(t, w.flux.Server.Restart(nil))
	eventually(t, 60*time.Second, func() error { return w.validMetric(name) })
	_, err = w.flux.Control("cancel", job)
	must(t, err)
	w.becomes(t, cluster, 1, 90*time.Second)
	time.Sleep(2 * lab.HPASync) // some syncs at rest

	hpa, err := w.getHPA(name)
	must(t, err)
	var syncs []lab.Sync
	eventually(t, 10*time.Second, func() (err error) { // the logs of a sync are not written at once
		syncs, err = lab.ReadSyncs(name, cluster)
		return err
	})
	steps := make([]map[string]any, len(syncs))
	reasons := map[string]int{}
	for i, sync := range syncs {
		steps[i] = vectorStep(t, sync, syncs[0].Time)
		for _, condition := range sync.Status.Conditions {
			reasons[condition.Reason]++
		}
	}
	for _, reason := range []string{"ScaleUpLimit", "ScaleUpStabilized", "ScaleDownLimit", "ScaleDownStabilized",
		"FailedGetObjectMetric", "SucceededRescale"} {
		if reasons[reason] == 0 {
			t.Errorf("no sync of the scenario has the reason %s: %v", reason, reasons)
		}
	}
	version, err := w.Client.Discovery().ServerVersion()
	must(t, err)
	scenario := map[string]any{"name": "live", "kubernetes": version.GitVersion, "spec": hpa.Spec, "flags": map[string]any{"downscaleStabilizationMillis": 5000,
		"cpuInitializationPeriodMillis": 1000, "initialReadinessDelayMillis": 1000}, "steps": steps}
	report := w.plan(t, "live-scenario.jsonl", scenario, 0)
	if report.Steps != len(syncs) || report.Differences != 0 {
		t.Errorf("of %d syncs plan read %d, with %d differences", len(syncs), report.Steps, report.Differences)
	}
	fmt.Printf("plan and the controller: %d syncs, %d differences\n", report.Steps, report.Differences)

	// A recording that is not true is told, where it is not.
	last := len(steps) - 1
	steps[last]["replicas"] = 3
	report = w.plan(t, "live-scenario-size-changed.jsonl", scenario, 1)
	if len(report.Details) != 1 || report.Details[0].Step != last || report.Details[0].Field != "replicas" {
		t.Errorf("a size that was changed in step %d gives %+v", last, report.Details)
	}
	steps[last]["replicas"] = 1
	steps[last]["in"].(map[string]any)["object"] = map[string]string{liveMetric: "2"}
	report = w.plan(t, "live-scenario-metric-changed.jsonl", scenario, 1)
	if report.Differences == 0 || report.Details[0].Step != last {
		t.Errorf("a metric that was changed in step %d gives %+v", last, report.Details)
	}
}

// vectorStep is a sync in the form of docs/plan.md.
func vectorStep(t *testing.T, sync lab.Sync, begin time.Time) map[string]any {
	t.Helper()
	conditions := map[string][2]string{}
	for _, condition := range sync.Status.Conditions {
		conditions[string(condition.Type)] = [2]string{string(condition.Status), condition.Reason}
	}
	in := map[string]any{"specReplicas": sync.Scale.Spec.Replicas, "statusReplicas": sync.Scale.Status.Replicas,
		"selector": sync.Scale.Status.Selector, "object": map[string]string{}}
	step := map[string]any{"t": sync.Time.Sub(begin).Milliseconds(), "in": in, "raw": sync.Proposed, "proposals": []*int32{sync.Proposed},
		"replicas": sync.Scale.Spec.Replicas, "cond": conditions, "error": sync.Failed,
		"faults": map[string]int{"conflicts": sync.Conflicts}}
	if sync.Written != nil {
		step["replicas"] = *sync.Written
	}
	if !sync.Failed {
		in["object"] = map[string]string{liveMetric: strconv.FormatInt(served(t, sync), 10)}
	}
	return step
}

// served is the metric's value that the controller read: its status tells it divided by the target's size, rounded up
// to thousandths.
func served(t *testing.T, sync lab.Sync) int64 {
	t.Helper()
	if len(sync.Status.CurrentMetrics) != 1 {
		t.Fatalf("the sync at %s has %d metrics", sync.Time, len(sync.Status.CurrentMetrics))
	}
	average := sync.Status.CurrentMetrics[0].Object.Current.AverageValue
	return average.MilliValue() * int64(sync.Scale.Status.Replicas) / 1000
}

type planReport struct {
	Steps, Differences int
	Details            []struct {
		Step  int
		Field string
	}
}

// plan lets the program decide the scenario once more. The file stays with the logs.
func (w *world) plan(t *testing.T, file string, scenario map[string]any, exit int) planReport {
	t.Helper()
	line, err := json.Marshal(scenario)
	must(t, err)
	path := filepath.Join(lab.LogDir(), file)
	must(t, os.WriteFile(path, append(line, '\n'), 0o644))
	output, code, err := lab.RunProgram("plan", "--vectors", path, "-o", "json")
	if code != exit {
		t.Errorf("plan --vectors %s ends with %d, not %d (%v): %s", file, code, exit, err, strings.TrimSpace(output))
	}
	var report planReport
	must(t, json.Unmarshal([]byte(output), &report))
	return report
}
