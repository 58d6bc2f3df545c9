package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fluxmetrics.test/e2e/lab"
)

// explained is what `explain -n ... -o json` says of an HPA.
type explained struct {
	Replicas, StatusReplicas, ReadyPods int
	Metrics                             []struct{ Proposal *int }
	Steps                               []struct {
		From, To   int
		Conditions map[string]struct{ Status, Reason, Message string }
		Events     []struct{ Message string }
	}
	Findings []struct{ ID, Severity string }
}

func (w *world) explain(t *testing.T, name string) explained {
	t.Helper()
	output, code, err := lab.RunProgram("explain", "-n", lab.Namespace, name, "--kubeconfig", lab.Path("admin.kubeconfig"),
		"-o", "json")
	if code != 0 {
		t.Fatalf("explain ends with %d: %v", code, err)
	}
	var told explained
	must(t, json.Unmarshal([]byte(output), &told))
	if len(told.Steps) == 0 || len(told.Metrics) != 1 {
		t.Fatalf("explain says %s", output)
	}
	return told
}

// asTheController is no error when the first sync of what was told is what the controller's last one wrote into the
// HPA's status: size and conditions.
func (w *world) asTheController(told explained, name string) error {
	hpa, err := w.getHPA(name)
	if err != nil {
		return err
	}
	// A controller that could compute no size yet has written none.
	computed := hpa.Status.DesiredReplicas != 0 || told.Metrics[0].Proposal != nil
	if int(hpa.Status.CurrentReplicas) != told.Replicas || computed && told.Steps[0].To != int(hpa.Status.DesiredReplicas) {
		return fmt.Errorf("explain says %d -> %d, the controller %d -> %d", told.Replicas, told.Steps[0].To,
			hpa.Status.CurrentReplicas, hpa.Status.DesiredReplicas)
	}
	for _, condition := range hpa.Status.Conditions {
		ours, has := told.Steps[0].Conditions[string(condition.Type)]
		if !has && condition.Type == autoscalingv2.ScalingLimited && told.Metrics[0].Proposal == nil {
			continue // without a metric the controller leaves its last word on limits as it is
		}
		if ours.Status != string(condition.Status) || ours.Reason != condition.Reason {
			return fmt.Errorf("%s: explain says %+v, the controller %s %s: %s", condition.Type, ours, condition.Status,
				condition.Reason, condition.Message)
		}
	}
	return nil
}

func (told explained) fault(id string) error {
	for _, finding := range told.Findings {
		if finding.ID == id && finding.Severity == "fault" {
			return nil
		}
	}
	return fmt.Errorf("explain does not find %s: %+v", id, told.Findings)
}

// explain on HPAs of the cluster says what the controller says of them: at rest, before it scales, when the metric
// does not exist, and when two HPAs want the same pods. What it foretells comes.
func testExplainLive(t *testing.T, w *world) {
	const name = "explained"
	w.becomes(t, sample, 2, 30*time.Second)
	agree := func(proposal *int) explained {
		t.Helper()
		told := w.explain(t, name)
		must(t, w.asTheController(told, name))
		if told.ReadyPods != 2 {
			t.Errorf("explain counts %d ready pods, not 2", told.ReadyPods)
		}
		if said := told.Metrics[0].Proposal; (said == nil) != (proposal == nil) || said != nil && *said != *proposal {
			t.Errorf("explain does not say the proposal %v: %+v", proposal, told.Metrics[0])
		}
		return told
	}
	one, four := 1, 4

	text := deployedHPA(t, name)
	w.hpa(t, text, name)
	rest := func() error { return w.condition(name, autoscalingv2.ScalingLimited, "True", "TooFewReplicas") }
	eventually(t, 60*time.Second, rest)
	told := agree(&one)
	if len(told.Steps) != 1 {
		t.Errorf("nothing is to happen, and explain tells of %d steps", len(told.Steps))
	}
	output, code, err := lab.RunProgram("explain", "-n", lab.Namespace, name, "--kubeconfig", lab.Path("admin.kubeconfig"))
	if code != 0 {
		t.Fatalf("explain ends with %d: %v", code, err)
	}
	must(t, contains(output, "HPA explained of MiniCluster flux-sample: 2 to 4 replicas; now 2,", "2 pods are ready",
		"node_wanted_count", "TooFewReplicas"))

	patch := func(change string) {
		t.Helper()
		_, err := w.Kubectl("patch", "hpa", name, "-n", lab.Namespace, "--type=json", "-p", change)
		must(t, err)
	}
	const metricName = "/spec/metrics/0/object/metric/name"
	patch(`[{"op":"replace","path":"` + metricName + `","value":"node_nonsense_count"}]`)
	eventually(t, 30*time.Second, func() error {
		return w.condition(name, autoscalingv2.ScalingActive, "False", "FailedGetObjectMetric")
	})
	must(t, agree(nil).fault("unknown-metric"))
	patch(`[{"op":"replace","path":"` + metricName + `","value":"node_wanted_count"}]`)
	eventually(t, 30*time.Second, func() error { return w.validMetric(name) })

	rival := "rival"
	must(t, w.ApplyText(deployedHPA(t, rival)))
	eventually(t, 30*time.Second, func() error {
		return w.condition(name, autoscalingv2.ScalingActive, "False", "AmbiguousSelector")
	})
	must(t, agree(nil).fault("ambiguous-selector"))
	w.deleteHPA(t, rival)
	eventually(t, 30*time.Second, func() error { return w.validMetric(name) })

	w.foretell(t, name, func() explained { return agree(&four) }, patch)
}

// foretell holds a growth up by a window and lets it come: with the size, and in the words that explain has said.
func (w *world) foretell(t *testing.T, name string, agree func() explained, patch func(string)) {
	t.Helper()
	patch(`[{"op":"replace","path":"/spec/behavior/scaleUp/stabilizationWindowSeconds","value":20}]`)
	time.Sleep(2 * lab.HPASync) // the controller has read it
	job, err := w.flux.Control("submit", "-N4", "--duration", "10m")
	must(t, err)
	t.Cleanup(func() {
		_, err := w.flux.Control("cancel", job)
		must(t, err)
		w.becomes(t, sample, 2, 60*time.Second)
	})
	eventually(t, 15*time.Second, func() error {
		return w.condition(name, autoscalingv2.AbleToScale, "True", "ScaleUpStabilized")
	})
	told := agree()
	said := ""
	for _, step := range told.Steps {
		if step.From == 2 && step.To == 4 && len(step.Events) == 1 {
			said = step.Events[0].Message
		}
	}
	if said == "" {
		t.Fatalf("explain does not foretell 4: %+v", told.Steps)
	}
	w.becomes(t, sample, 4, 60*time.Second)
	eventually(t, 20*time.Second, func() error {
		events, err := w.Client.CoreV1().Events(lab.Namespace).List(context.Background(),
			metav1.ListOptions{FieldSelector: "involvedObject.name=" + name})
		if err != nil {
			return err
		}
		for _, event := range events.Items {
			if event.Message == said {
				return nil
			}
		}
		return fmt.Errorf("no event of the HPA says %q", said)
	})
}
