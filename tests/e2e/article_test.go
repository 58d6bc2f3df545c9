package e2e

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"fluxmetrics.test/e2e/lab"
)

const scalePath = "/apis/flux-framework.org/v1alpha1/namespaces/" + lab.Namespace + "/miniclusters/" + sample + "/scale"

// The article's APIService skips TLS verification and names v1beta2 only. The world was made with it.
func testArticleAPIService(t *testing.T, w *world) {
	must(t, w.available("v1beta2.custom.metrics.k8s.io"))
	output, err := w.Kubectl("get", "apiservice", "v1beta2.custom.metrics.k8s.io")
	must(t, err)
	must(t, contains(output, lab.Namespace+"/"+lab.ServiceName, "True"))
	output, err = w.Kubectl("get", "--raw",
		"/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/services/custom-metrics-apiserver/node_up_count")
	must(t, err)
	must(t, contains(output, `"kind":"MetricValueList"`, `"name":"custom-metrics-apiserver"`, `"value":"2"`))
}

// The article's HPA asks for as many nodes as would bring node_up_count to 4 if more nodes lowered it: one. It stays
// at its minimum, and says so when its window of 120 s has passed.
func testArticleHPA(t *testing.T, w *world) {
	const name = "flux-sample-hpa"
	must(t, w.Apply("article-hpa.yaml"))
	t.Cleanup(func() { w.deleteHPA(t, name) })
	begin := time.Now()
	eventually(t, 60*time.Second, func() error { return w.validMetric(name) })
	eventually(t, 170*time.Second, func() error {
		if size, err := w.size(sample); err != nil || size != 2 {
			return lab.Final(fmt.Errorf("the size is %d, not 2 (%v)", size, err))
		}
		err := w.condition(name, autoscalingv2.ScalingLimited, "True", "TooFewReplicas")
		if early := time.Since(begin); err == nil && early < 115*time.Second {
			return lab.Final(fmt.Errorf("TooFewReplicas after %s already", early))
		}
		return err
	})
	must(t, w.validMetric(name))
	must(t, w.condition(name, autoscalingv2.AbleToScale, "True", "ReadyForNewScale"))
}

// The scale subresource has the article's shape: the same fields with the same values, but for what Kubernetes makes up.
func testScaleSubresource(t *testing.T, w *world) {
	const article = `{"kind": "Scale", "apiVersion": "autoscaling/v1",
		"metadata": {"name": "flux-sample", "namespace": "flux-operator", "uid": "581c708a-0eb2-48da-84b1-3da7679d349d",
			"resourceVersion": "3579", "creationTimestamp": "2023-05-20T05:11:28Z"},
		"spec": {"replicas": 2}, "status": {"replicas": 0, "selector": "hpa-selector=flux-sample"}}`
	output, err := w.Kubectl("get", "--raw", scalePath)
	must(t, err)
	var ours, theirs map[string]any
	must(t, json.Unmarshal([]byte(output), &ours))
	must(t, json.Unmarshal([]byte(article), &theirs))
	for _, field := range []string{"uid", "resourceVersion", "creationTimestamp"} {
		if text, is := ours["metadata"].(map[string]any)[field].(string); !is || text == "" {
			t.Errorf("metadata.%s is no text", field)
		}
		delete(ours["metadata"].(map[string]any), field)
		delete(theirs["metadata"].(map[string]any), field)
	}
	if !reflect.DeepEqual(ours, theirs) {
		t.Errorf("the scale subresource is %s", output)
	}
}
