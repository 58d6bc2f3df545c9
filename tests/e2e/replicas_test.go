package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fluxmetrics.test/e2e/lab"
)

// endpoints is no error when the Service has so many ready endpoints.
func (w *world) endpoints(want int) error {
	slices, err := w.Client.DiscoveryV1().EndpointSlices(lab.Namespace).List(context.Background(),
		metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + lab.ServiceName})
	if err != nil {
		return err
	}
	ready := 0
	for _, slice := range slices.Items {
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				ready++
			}
		}
	}
	if ready != want {
		return fmt.Errorf("the Service has %d ready endpoints, not %d", ready, want)
	}
	return nil
}

// Two servers behind the Service, one after the other ended by SIGTERM and started again, as in a rolling update:
// no request fails, because the one that ends is no longer an endpoint when it stops listening.
func testSIGTERMUnderLoad(t *testing.T, w *world) {
	w.becomes(t, sample, 2, 30*time.Second)
	w.trust(t, w.Serving.PEM)
	replica := &lab.Server{Name: "server-replica", Args: serverArgs()}
	must(t, w.flux.AddReplica(1, replica))
	t.Cleanup(func() {
		w.label(t, 1, `null`)
		must(t, w.flux.RemoveReplica(1))
	})
	w.label(t, 1, `"custom-metrics"`)
	eventually(t, 30*time.Second, func() error { return w.endpoints(2) })
	time.Sleep(settle)
	w.loadDuring(t, func() {
		for range 2 {
			for _, server := range []*lab.Server{w.flux.Server, replica} {
				must(t, server.Restart(nil))
				eventually(t, 30*time.Second, func() error { return w.endpoints(2) })
				time.Sleep(settle)
			}
		}
	})
}
