package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fluxmetrics.test/e2e/lab"
)

// When the cluster cannot be asked, nobody gets an answer whose rights would have to be asked for: neither a new
// client nor one whose review is forgotten. The aggregator's own probes go on, so the APIService stays available.
func testFailsClosed(t *testing.T, w *world) {
	const binding = "flux-metrics-api-auth-delegator"
	url := "https://" + w.flux.Server.Address() + metricPath
	client := lab.NewClient(nil)
	known := http.Header{"Authorization": {"Bearer " + w.newAccount(t, "known-before", true)}}
	unknown := http.Header{"Authorization": {"Bearer " + w.newAccount(t, "unknown-before", true)}}
	eventually(t, 20*time.Second, func() error { return client.Expect(url, known, 200) })
	must(t, w.Client.RbacV1().ClusterRoleBindings().Delete(context.Background(), binding, metav1.DeleteOptions{}))
	t.Cleanup(func() { must(t, w.Apply("rbac.yaml")) })
	refused := func(header http.Header) error {
		answer, err := client.Ask(url, header)
		if err != nil {
			return err
		}
		if answer.Code != 401 && answer.Code != 403 && answer.Code != 500 {
			return fmt.Errorf("the answer is %d: %.300s", answer.Code, answer.Body)
		}
		return nil
	}
	eventually(t, 30*time.Second, func() error { return refused(unknown) })
	eventually(t, 30*time.Second, func() error { return refused(known) })
	must(t, lab.Hold(5*time.Second, 500*time.Millisecond, func() error {
		if err := refused(known); err != nil {
			return err
		}
		return w.available("v1beta2.custom.metrics.k8s.io")
	}))
	must(t, w.Apply("rbac.yaml"))
	eventually(t, 30*time.Second, func() error { return client.Expect(url, known, 200) })
	eventually(t, 30*time.Second, func() error { return client.Expect(url, unknown, 200) })
}
