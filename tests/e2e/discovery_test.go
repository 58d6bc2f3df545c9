package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"fluxmetrics.test/e2e/lab"
)

// Both versions, checked against the authority of the serving certificate. What kubectl asks is the same afterwards.
func testCABundle(t *testing.T, w *world) {
	w.trust(t, w.Serving.PEM)
	for _, version := range []string{"v1beta1", "v1beta2"} {
		output, err := w.Kubectl("get", "--raw", "/apis/custom.metrics.k8s.io/"+version+
			"/namespaces/flux-operator/services/custom-metrics-apiserver/node_up_count")
		must(t, err)
		must(t, contains(output, `"apiVersion":"custom.metrics.k8s.io/`+version+`"`, `"value":"2"`))
	}
	stranger, err := lab.NewAuthority("e2e-wrong-serving-ca")
	must(t, err)
	must(t, w.register("custom.metrics.k8s.io", "v1beta1", 100, stranger.PEM))
	eventually(t, 90*time.Second, func() error {
		err := w.available("v1beta1.custom.metrics.k8s.io")
		if err == nil {
			return fmt.Errorf("the APIService is available with a wrong caBundle")
		}
		return contains(err.Error(), "FailedDiscoveryCheck")
	})
	w.trust(t, w.Serving.PEM)
	w.deleteNamespace(t, "after-both-versions", 30*time.Second)
}

// The aggregator passes our resources on as current: a stale group version stops namespace deletion in the cluster.
func testDiscoveryCurrent(t *testing.T, w *world) {
	for group, version := range map[string]string{
		"custom.metrics.k8s.io": "v1beta2", "external.metrics.k8s.io": "v1beta1"} {
		eventually(t, 90*time.Second, func() error { return w.current(group, version) })
	}
}

// current is no error when the cluster's discovery has the group version as current, with its resources.
func (w *world) current(group, version string) error {
	body, err := w.Client.Discovery().RESTClient().Get().AbsPath("/apis").
		SetHeader("Accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList").
		DoRaw(context.Background())
	if err != nil {
		return err
	}
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Versions []struct {
				Version, Freshness string
				Resources          []struct {
					Resource     string
					Subresources []struct{ Subresource string }
				}
			}
		}
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return err
	}
	for _, each := range list.Items {
		for _, found := range each.Versions {
			if each.Metadata.Name != group || found.Version != version {
				continue
			}
			if found.Freshness != "Current" {
				return fmt.Errorf("%s/%s is %s", group, version, found.Freshness)
			}
			metrics := len(found.Resources)
			for _, resource := range found.Resources {
				metrics += len(resource.Subresources)
			}
			if metrics > 10 {
				return nil
			}
			return fmt.Errorf("%s/%s lists %+v", group, version, found.Resources)
		}
	}
	return fmt.Errorf("%s/%s is not in the list", group, version)
}

// One wrong word in an aggregated Swagger document makes the whole cluster's protobuf document 503.
func testOpenAPIProtobuf(t *testing.T, w *world) {
	for range 5 {
		body, err := w.Client.Discovery().RESTClient().Get().AbsPath("/openapi/v2").
			SetHeader("Accept", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf").DoRaw(context.Background())
		must(t, err)
		if len(body) < 100_000 {
			t.Fatalf("the cluster's OpenAPI document has %d bytes only", len(body))
		}
		time.Sleep(time.Second)
	}
	// Our own part is in it: the aggregator fetches it once a minute.
	eventually(t, 100*time.Second, func() error {
		body, err := w.Client.Discovery().RESTClient().Get().AbsPath("/openapi/v2").
			SetHeader("Accept", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf").DoRaw(context.Background())
		if err != nil {
			return err
		}
		return contains(string(body), "io.k8s.metrics.pkg.apis.custom_metrics.v1beta2.MetricValueList")
	})
}
