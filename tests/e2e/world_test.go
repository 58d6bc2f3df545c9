package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"fluxmetrics.test/e2e/lab"
)

// sample is the article's MiniCluster: the one with a Flux in it, and the server in its leader's pod.
const sample = "flux-sample"

var apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}

// world is the lab with the article's MiniCluster of two pods, its server, Service and APIServices.
type world struct {
	*lab.Lab
	flux   *lab.Flux
	report report

	metricsOnce  sync.Once
	metrics      *lab.MetricsServer
	metricsError error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	lab_, err := lab.Open(manifests)
	if err != nil {
		t.Fatalf("the control plane did not start: %v", err)
	}
	w := &world{Lab: lab_, flux: &lab.Flux{MaxSize: 4, Cores: 4, Server: &lab.Server{Name: "server", Args: serverArgs()}}}
	w.Kubelet.Assign(sample, w.flux)
	w.makeMiniCluster(t, sample, 2, 4)
	must(t, w.Apply("article-service.yaml"))
	must(t, w.Apply("article-apiservice.yaml"))
	w.label(t, 0, `"custom-metrics"`)
	eventually(t, 60*time.Second, func() error { return w.available("v1beta2.custom.metrics.k8s.io") })
	w.trustExternal(t, w.Serving.PEM)
	// A pod is Ready before its broker has joined and the server has seen it.
	eventually(t, 60*time.Second, func() error { return w.expectMetric("node_up_count", 2) })
	return w
}

// serverArgs shortens the hold of node_wanted_count, so that shrinking needs no minute.
func serverArgs() []string { return []string{"--hold", "5s"} }

func (w *world) makeMiniCluster(t *testing.T, name string, size, maxSize int) {
	t.Helper()
	w.makeMiniClusterOf(t, name, size, fmt.Sprintf(`"maxSize":%d`, maxSize))
}

// makeMiniClusterOf makes one with a size and more fields of its spec.
func (w *world) makeMiniClusterOf(t *testing.T, name string, size int, fields string) {
	t.Helper()
	must(t, w.ApplyText(miniClusterText(name, size, fields)))
	eventually(t, 60*time.Second, func() error { return w.readyPods(name, size) })
}

func miniClusterText(name string, size int, fields string) string {
	return fmt.Sprintf(`{"apiVersion":"flux-framework.org/v1alpha2","kind":"MiniCluster",
		"metadata":{"name":%q,"namespace":%q},"spec":{"size":%d,%s,"interactive":true,
		"containers":[{"image":"e2e.invalid/flux","resources":{"requests":{"cpu":"1"}}}]}}`, name, lab.Namespace, size, fields)
}

// label does what the article does by hand for the leader: the Service selects this label. null takes it away.
func (w *world) label(t *testing.T, index int, value string) {
	t.Helper()
	for _, pod := range w.pods(t, sample) {
		if pod.Annotations[batchv1.JobCompletionIndexAnnotation] == strconv.Itoa(index) {
			label := fmt.Appendf(nil, `{"metadata":{"labels":{"api-server":%s}}}`, value)
			_, err := w.Client.CoreV1().Pods(lab.Namespace).Patch(context.Background(), pod.Name, types.MergePatchType,
				label, metav1.PatchOptions{})
			must(t, err)
			return
		}
	}
	t.Fatalf("there is no pod %d to label", index)
}

func (w *world) pods(t *testing.T, cluster string) []corev1.Pod {
	t.Helper()
	list, err := w.listPods(cluster)
	must(t, err)
	return list
}

func (w *world) listPods(cluster string) ([]corev1.Pod, error) {
	list, err := w.Client.CoreV1().Pods(lab.Namespace).List(context.Background(),
		metav1.ListOptions{LabelSelector: "hpa-selector=" + cluster})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// readyPods is no error when the MiniCluster has exactly so many pods, all of them Ready, and none that terminates.
func (w *world) readyPods(cluster string, want int) error {
	pods, err := w.listPods(cluster)
	if err != nil {
		return err
	}
	ready := 0
	for _, pod := range pods {
		for _, condition := range pod.Status.Conditions {
			if pod.DeletionTimestamp == nil && condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
				ready++
			}
		}
	}
	if ready != want || len(pods) != want {
		return fmt.Errorf("%s has %d pods of which %d are ready; %d wanted", cluster, len(pods), ready, want)
	}
	return nil
}

// size is the MiniCluster's spec.size.
func (w *world) size(cluster string) (int, error) {
	object, err := w.Dynamic.Resource(lab.MiniClusters).Namespace(lab.Namespace).
		Get(context.Background(), cluster, metav1.GetOptions{})
	if err != nil {
		return 0, err
	}
	size, _, err := unstructured.NestedInt64(object.Object, "spec", "size")
	return int(size), err
}

// available is no error when the aggregator takes the APIService for available.
func (w *world) available(name string) error {
	object, err := w.Dynamic.Resource(apiServices).Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, each := range conditions {
		condition := each.(map[string]any)
		if condition["type"] == "Available" {
			if condition["status"] == "True" {
				return nil
			}
			return fmt.Errorf("APIService %s is not available: %v: %v", name, condition["reason"], condition["message"])
		}
	}
	return fmt.Errorf("APIService %s has no condition yet", name)
}

// trust registers what the server serves, preferring v1beta2, with a bundle of authorities to trust.
func (w *world) trust(t *testing.T, bundle []byte) {
	t.Helper()
	must(t, w.Apply("apiservice.yaml", "CA_BUNDLE", base64.StdEncoding.EncodeToString(bundle)))
	for _, version := range []string{"v1beta1.custom", "v1beta2.custom", "v1beta1.external"} {
		eventually(t, 60*time.Second, func() error { return w.available(version + ".metrics.k8s.io") })
	}
}

func (w *world) trustExternal(t *testing.T, bundle []byte) {
	t.Helper()
	must(t, w.register("external.metrics.k8s.io", "v1beta1", 100, bundle))
	eventually(t, 60*time.Second, func() error { return w.available("v1beta1.external.metrics.k8s.io") })
}

// register makes or changes an APIService of the server.
func (w *world) register(group, version string, priority int, bundle []byte) error {
	return w.ApplyText(fmt.Sprintf(`
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: %[2]s.%[1]s}
spec:
  service: {name: %[4]s, namespace: %[5]s}
  group: %[1]s
  version: %[2]s
  groupPriorityMinimum: 1000
  versionPriority: %[3]d
  caBundle: %[6]s
`, group, version, priority, lab.ServiceName, lab.Namespace, base64.StdEncoding.EncodeToString(bundle)))
}

// minorVersion is 37 of a control plane of Kubernetes 1.37.
func (w *world) minorVersion(t *testing.T) int {
	t.Helper()
	version, err := w.Client.Discovery().ServerVersion()
	must(t, err)
	minor, err := strconv.Atoi(strings.TrimSuffix(version.Minor, "+"))
	must(t, err)
	return minor
}

// metricsServer starts the stand-in for metrics-server once.
func (w *world) metricsServer(t *testing.T) *lab.MetricsServer {
	t.Helper()
	w.metricsOnce.Do(func() { w.metrics, w.metricsError = w.StartMetricsServer() })
	must(t, w.metricsError)
	eventually(t, 60*time.Second, func() error { return w.available("v1beta1.metrics.k8s.io") })
	return w.metrics
}

// value reads a number of the Service through the aggregator, as the administrator.
func (w *world) value(name string) (int, error) {
	body, err := w.Client.Discovery().RESTClient().Get().AbsPath("/apis/custom.metrics.k8s.io/v1beta2/namespaces/" +
		lab.Namespace + "/services/" + lab.ServiceName + "/" + name).DoRaw(context.Background())
	if err != nil {
		return 0, err
	}
	var list struct{ Items []struct{ Value string } }
	if err := json.Unmarshal(body, &list); err != nil {
		return 0, err
	}
	if len(list.Items) != 1 {
		return 0, fmt.Errorf("%s has %d items", name, len(list.Items))
	}
	return strconv.Atoi(list.Items[0].Value)
}

func (w *world) metric(t *testing.T, name string) int {
	t.Helper()
	value, err := w.value(name)
	must(t, err)
	return value
}

func (w *world) expectMetric(name string, want int) error {
	value, err := w.value(name)
	if err != nil {
		return err
	}
	if value != want {
		return fmt.Errorf("%s is %d, not %d", name, value, want)
	}
	return nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, within time.Duration, ask func() error) {
	t.Helper()
	must(t, lab.Wait(within, 100*time.Millisecond, ask))
}

func contains(text string, words ...string) error {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return fmt.Errorf("there is no %q in %.2000q", word, text)
		}
	}
	return nil
}

func (w *world) deleteMiniCluster(t *testing.T, name string) {
	t.Helper()
	err := w.Dynamic.Resource(lab.MiniClusters).Namespace(lab.Namespace).
		Delete(context.Background(), name, metav1.DeleteOptions{})
	if err != nil {
		t.Errorf("cannot delete the MiniCluster %s: %v", name, err)
	}
}
