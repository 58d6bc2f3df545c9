package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fluxmetrics.test/e2e/lab"
)

// hpaText is a HorizontalPodAutoscaler that follows a number at once, up and down.
func hpaText(name, target string, min, max int, metric string) string {
	return fmt.Sprintf(`
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: %s, namespace: %s}
spec:
  scaleTargetRef: {apiVersion: flux-framework.org/v1alpha2, kind: MiniCluster, name: %s}
  minReplicas: %d
  maxReplicas: %d
  metrics: [%s]
  behavior:
    scaleUp:
      tolerance: "0"
      stabilizationWindowSeconds: 0
      policies: [{type: Pods, value: 64, periodSeconds: 15}]
    scaleDown:
      tolerance: "0"
      stabilizationWindowSeconds: 0
      policies: [{type: Pods, value: 64, periodSeconds: 15}]
`, name, lab.Namespace, target, min, max, metric)
}

// deployed is the text of a file of deploy/, with pairs of words replaced; each word must be in it.
func deployed(t *testing.T, file string, replacements ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "deploy", file))
	must(t, err)
	for i := 0; i < len(replacements); i += 2 {
		must(t, contains(string(content), replacements[i]))
	}
	return strings.NewReplacer(replacements...).Replace(string(content))
}

// deployedHPA is deploy/hpa.yaml with another name and the limits of the tests' MiniCluster.
func deployedHPA(t *testing.T, name string) string {
	t.Helper()
	return deployed(t, "hpa.yaml", "metadata:\n  name: flux-sample\n", "metadata:\n  name: "+name+"\n",
		"minReplicas: 1", "minReplicas: 2", "maxReplicas: 64", "maxReplicas: 4")
}

// objectMetric is a metric of the Service, with the value itself as the wanted size.
func objectMetric(metric string) string {
	return fmt.Sprintf(`{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: %s},
		metric: {name: %s}, target: {type: AverageValue, averageValue: "1"}}}`, lab.ServiceName, metric)
}

// hpa makes an HPA that is gone again when the case ends.
func (w *world) hpa(t *testing.T, text, name string) {
	t.Helper()
	must(t, w.ApplyText(text))
	t.Cleanup(func() { w.deleteHPA(t, name) })
}

func (w *world) deleteHPA(t *testing.T, name string) {
	err := w.Client.AutoscalingV2().HorizontalPodAutoscalers(lab.Namespace).
		Delete(context.Background(), name, metav1.DeleteOptions{})
	if err != nil {
		t.Errorf("cannot delete the HPA %s: %v", name, err)
	}
}

func (w *world) getHPA(name string) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	return w.Client.AutoscalingV2().HorizontalPodAutoscalers(lab.Namespace).
		Get(context.Background(), name, metav1.GetOptions{})
}

// condition is no error when the HPA has the condition with the status and the reason.
func (w *world) condition(name string, kind autoscalingv2.HorizontalPodAutoscalerConditionType, status, reason string) error {
	hpa, err := w.getHPA(name)
	if err != nil {
		return err
	}
	for _, condition := range hpa.Status.Conditions {
		if condition.Type == kind {
			if string(condition.Status) == status && condition.Reason == reason {
				return nil
			}
			return fmt.Errorf("%s of %s is %s/%s, not %s/%s: %s", kind, name, condition.Status, condition.Reason,
				status, reason, condition.Message)
		}
	}
	return fmt.Errorf("%s has no condition %s", name, kind)
}

// validMetric is no error when the HPA could compute a size.
func (w *world) validMetric(name string) error {
	return w.condition(name, autoscalingv2.ScalingActive, "True", "ValidMetricFound")
}

// becomes waits until the MiniCluster has the size and as many ready pods.
func (w *world) becomes(t *testing.T, cluster string, want int, within time.Duration) {
	t.Helper()
	eventually(t, within, func() error {
		if size, err := w.size(cluster); err != nil || size != want {
			return fmt.Errorf("%s has the size %d, not %d (%v)", cluster, size, want, err)
		}
		return w.readyPods(cluster, want)
	})
}
