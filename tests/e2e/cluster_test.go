package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// deleteNamespace makes a namespace with something in it and expects it to go away again: the namespace controller
// must be able to ask every API group what could be in it.
func (w *world) deleteNamespace(t *testing.T, name string, within time.Duration) {
	t.Helper()
	ctx := context.Background()
	namespaces := w.Client.CoreV1().Namespaces()
	_, err := namespaces.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	must(t, err)
	_, err = w.Client.CoreV1().ConfigMaps(name).Create(ctx,
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "something"}}, metav1.CreateOptions{})
	must(t, err)
	must(t, namespaces.Delete(ctx, name, metav1.DeleteOptions{}))
	eventually(t, within, func() error {
		namespace, err := namespaces.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("the namespace is still there: %+v", namespace.Status)
	})
}

func testNamespaceDeletion(t *testing.T, w *world) {
	for round := range 3 {
		w.deleteNamespace(t, fmt.Sprintf("short-lived-%d", round), 30*time.Second)
	}
}

// A server that claims OpenAPI documents that are not its own breaks this in some of the calls only.
func testKubectlExplain(t *testing.T, w *world) {
	for range 20 {
		output, err := w.Kubectl("explain", "deployment")
		must(t, err)
		must(t, contains(output, "KIND:", "Deployment", "FIELDS:", "spec"))
	}
}

func testKubectlAPIResources(t *testing.T, w *world) {
	output, err := w.Kubectl("api-resources")
	must(t, err)
	must(t, contains(output, "miniclusters", "horizontalpodautoscalers", "deployments"))
}

// The name * stands for every object of the kind; kubectl, like the HPA, sends it as %2A.
func testWildcard(t *testing.T, w *world) {
	output, err := w.Kubectl("get", "--raw",
		"/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/services/%2A/node_up_count")
	must(t, err)
	var list struct {
		Items []struct {
			DescribedObject struct{ Kind, Namespace, Name string }
			Value           string
		}
	}
	must(t, json.Unmarshal([]byte(output), &list))
	if len(list.Items) != 1 || list.Items[0].DescribedObject.Name != "custom-metrics-apiserver" ||
		list.Items[0].Value != "2" {
		t.Errorf("the answer for every Service is %s", output)
	}
}
