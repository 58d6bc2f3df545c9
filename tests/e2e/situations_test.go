package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"fluxmetrics.test/e2e/lab"
)

// HPAs that something else than their text keeps from scaling, or seems to: explain says of each what the controller
// writes into its status. The target is a Deployment that is paused
// from the beginning, and so has no pods.
func testExplainSituations(t *testing.T, w *world) {
	const name = "situation"
	w.becomes(t, sample, 2, 30*time.Second)
	must(t, w.ApplyText(fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  replicas: 1
  paused: true
  selector: {matchLabels: {app: %[1]s}}
  template: {metadata: {labels: {app: %[1]s}}, spec: {containers: [{name: c, image: none}]}}
`, name, lab.Namespace)))
	t.Cleanup(func() {
		if _, err := w.Kubectl("delete", "deployment", name, "-n", lab.Namespace); err != nil {
			t.Error(err)
		}
	})
	of := func(hpa, target string, min int, metric string) string {
		text := hpaText(hpa, target, min, 4, metric)
		return strings.Replace(text, "flux-framework.org/v1alpha2, kind: MiniCluster", "apps/v1beta1, kind: Deployment", 1)
	}
	external := func(metric string) string {
		return fmt.Sprintf(`{type: External, external: {metric: {name: %s}, target: {type: AverageValue, averageValue: "1"}}}`,
			metric)
	}
	agree := func(hpa string) explained {
		t.Helper()
		var told explained
		eventually(t, 30*time.Second, func() error {
			told = w.explain(t, hpa)
			return w.asTheController(told, hpa)
		})
		return told
	}
	reason := func(hpa string, kind autoscalingv2.HorizontalPodAutoscalerConditionType, status, reason string) {
		t.Helper()
		eventually(t, 45*time.Second, func() error { return w.condition(hpa, kind, status, reason) })
	}

	// apps/v1beta1 is served by nobody: the controller goes by group and kind. The minimum decides.
	w.hpa(t, of(name, name, 1, external("node_demand_count")), name)
	reason(name, autoscalingv2.ScalingActive, "True", "ValidMetricFound")
	agree(name)
	// From 1.37 on the HPA itself goes to 0, and wakes again; before, only somebody else can set it.
	least := 0
	toZero := w.ApplyText(of(name, name, least, external("node_demand_count")))
	if w.minorVersion(t) >= 37 {
		must(t, toZero)
		reason(name, autoscalingv2.ScaledToZero, "True", "ScaledToZero")
		if told := agree(name); told.Steps[0].Conditions["ScalingActive"].Reason != "ValidMetricFound" {
			t.Errorf("explain does not see that the HPA wakes: %+v", told.Steps)
		}
	} else {
		must(t, contains(fmt.Sprint(toZero), "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"))
		least = 1
		_, err := w.Kubectl("scale", "-n", lab.Namespace, "deployments.apps/"+name, "--replicas=0")
		must(t, err)
		reason(name, autoscalingv2.ScalingActive, "False", "ScalingDisabled")
		must(t, agree(name).fault("stuck-at-zero"))
	}
	output, code, err := lab.RunProgram("explain", "-n", lab.Namespace, name, "--kubeconfig", lab.Path("admin.kubeconfig"), "--fix")
	if code != 0 {
		t.Fatalf("explain --fix ends with %d: %v", code, err)
	}
	_, err = w.KubectlInput(output, "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
	must(t, err)

	// Made again at 0, it does not know that it went there itself; the command that explain names wakes it.
	w.deleteHPA(t, name)
	must(t, w.ApplyText(of(name, name, least, external("node_wanted_count"))))
	reason(name, autoscalingv2.ScalingActive, "False", "ScalingDisabled")
	must(t, agree(name).fault("stuck-at-zero"))
	_, err = w.Kubectl("scale", "-n", lab.Namespace, "deployments.apps/"+name, "--replicas=1")
	must(t, err)
	reason(name, autoscalingv2.ScalingActive, "True", "ValidMetricFound")

	// Two HPAs of one target: without a pod both act.
	w.hpa(t, of("second", name, 1, external("node_wanted_count")), "second")
	reason("second", autoscalingv2.ScalingActive, "True", "ValidMetricFound")
	must(t, agree("second").fault("same-target"))

	for _, one := range []struct {
		hpa, target, metric, finding string
		kind                         autoscalingv2.HorizontalPodAutoscalerConditionType
		reason                       string
	}{
		{"misspelt", name, "node_wnted_count", "unknown-metric", autoscalingv2.ScalingActive, "FailedGetExternalMetric"},
		{"lost", "situatoin", "node_wanted_count", "target-not-found", autoscalingv2.AbleToScale, "FailedGetScale"},
	} {
		w.hpa(t, of(one.hpa, one.target, 1, external(one.metric)), one.hpa)
		reason(one.hpa, one.kind, "False", one.reason)
		must(t, agree(one.hpa).fault(one.finding))
	}
}
