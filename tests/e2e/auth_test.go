package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fluxmetrics.test/e2e/lab"
)

const (
	metricPath = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/services/custom-metrics-apiserver/node_up_count"
	hpaAccount = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
)

// who is somebody who asks the server directly, past the aggregator.
type who struct {
	title       string
	certificate *lab.Pair
	header      http.Header
	metric      int    // expected for a metric
	health      int    // expected for /livez
	words       string // somewhere in the answer for the metric
}

// newAccount makes a service account and gives its token; a bound one may read every metric of the namespace.
func (w *world) newAccount(t *testing.T, name string, bound bool) string {
	t.Helper()
	text := strings.NewReplacer("ACCOUNT", name).Replace(`{apiVersion: v1, kind: ServiceAccount,
		metadata: {name: ACCOUNT, namespace: flux-operator}}`)
	must(t, w.ApplyText(text))
	if bound {
		must(t, w.Apply("reader-rbac.yaml", "ACCOUNT", name))
	}
	token, err := w.Token(lab.Namespace, name)
	must(t, err)
	return token
}

func issue(t *testing.T, authority *lab.Authority, subject lab.Subject) *lab.Pair {
	t.Helper()
	pair, err := authority.Issue(subject)
	must(t, err)
	return &pair
}

func remote(user string, groups ...string) http.Header {
	return http.Header{"X-Remote-User": {user}, "X-Remote-Group": groups}
}

// The table of 401 and 403: who is believed, and what he may do.
func testAuthTable(t *testing.T, w *world) {
	stranger, err := lab.NewAuthority("e2e-unknown-ca")
	must(t, err)
	front, cluster := w.Credentials.FrontProxy, w.Credentials.Cluster
	proxy := issue(t, front, lab.Subject{Name: lab.FrontProxyName})
	bearer := func(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	table := []who{
		{"nobody", nil, nil, 403, 200, `User \"system:anonymous\" cannot get`},
		{"forged X-Remote-User, no certificate", nil, remote("admin", "system:masters"), 403, 200, "system:anonymous"},
		{"forged X-Remote-User, certificate of a user", issue(t, cluster, lab.Subject{Name: "bob"}),
			remote("admin", "system:masters"), 403, 200, `User \"bob\" cannot get`},
		{"administrator's certificate", issue(t, cluster, lab.Subject{Name: "root", Organizations: []string{"system:masters"}}),
			nil, 200, 200, "MetricValueList"},
		{"aggregator for the HPA controller", proxy, remote(hpaAccount, "system:serviceaccounts", "system:authenticated"),
			200, 200, "MetricValueList"},
		{"aggregator for a user without rights", proxy, remote("eve", "system:authenticated"), 403, 200, `User \"eve\"`},
		{"aggregator's certificate, no user", proxy, nil, 401, 401, "Unauthorized"},
		{"front-proxy CA, name not allowed", issue(t, front, lab.Subject{Name: "somebody-else"}),
			remote(hpaAccount), 401, 401, "Unauthorized"},
		{"wrong front-proxy CA", issue(t, stranger, lab.Subject{Name: lab.FrontProxyName}), remote(hpaAccount), 401, 401,
			"Unauthorized"},
		{"front-proxy certificate not for clients", issue(t, front, lab.Subject{Name: lab.FrontProxyName, Hosts: []string{"a.test"}}),
			remote(hpaAccount), 401, 401, "Unauthorized"},
		{"a false token", nil, bearer("not-a-token"), 401, 401, "Unauthorized"},
		{"a token with rights", nil, bearer(w.newAccount(t, "reader", true)), 200, 200, "MetricValueList"},
		{"a token without rights", nil, bearer(w.newAccount(t, "idler", false)), 403, 200,
			"system:serviceaccount:flux-operator:idler"},
		{"Basic", nil, http.Header{"Authorization": {"Basic YTpi"}}, 403, 200, "system:anonymous"},
	}
	base := "https://" + w.flux.Server.Address()
	for _, row := range table {
		client := lab.NewClient(row.certificate)
		answer, err := client.Ask(base+metricPath, row.header)
		if err != nil {
			t.Errorf("%s: %v", row.title, err)
			continue
		}
		if answer.Code != row.metric || !strings.Contains(answer.Body, row.words) {
			t.Errorf("%s: a metric is %d, not %d with %s: %.400s", row.title, answer.Code, row.metric, row.words, answer.Body)
		}
		if answer, err = client.Ask(base+"/livez", row.header); err != nil || answer.Code != row.health {
			t.Errorf("%s: /livez is %d, not %d: %.200s %v", row.title, answer.Code, row.health, answer.Body, err)
		}
		t.Logf("%-45s metric %d, /livez %d", row.title, row.metric, row.health)
	}
}

// Rights that are taken away end within the 10 s that a review may be remembered.
func testRevokedRBAC(t *testing.T, w *world) {
	header := http.Header{"Authorization": {"Bearer " + w.newAccount(t, "dismissed", true)}}
	client := lab.NewClient(nil)
	url := "https://" + w.flux.Server.Address() + metricPath
	expect := func(code int) func() error {
		return func() error { return client.Expect(url, header, code) }
	}
	eventually(t, 20*time.Second, expect(200))
	err := w.Client.RbacV1().RoleBindings(lab.Namespace).Delete(context.Background(), "dismissed", metav1.DeleteOptions{})
	must(t, err)
	eventually(t, 20*time.Second, expect(403))
	must(t, lab.Hold(3*time.Second, 300*time.Millisecond, expect(403)))
}

// A user of the cluster goes through the aggregator, who vouches for him; the server asks what he may do.
func testAggregatedUsers(t *testing.T, w *world) {
	for name, code := range map[string]int{"through-reader": 200, "through-idler": 403} {
		header := http.Header{"Authorization": {"Bearer " + w.newAccount(t, name, code == 200)}}
		url := lab.APIServerURL + metricPath
		eventually(t, 20*time.Second, func() error { return lab.NewClient(nil).Expect(url, header, code) })
	}
}

// Without its ConfigMap, or without the right to read it, a server must not serve: it starts, is not ready, says why,
// and recovers by itself.
func testConfigMapUnreadable(t *testing.T, w *world) {
	const binding = "flux-metrics-api-authentication-reader"
	bindings := w.Client.RbacV1().RoleBindings("kube-system")
	must(t, bindings.Delete(context.Background(), binding, metav1.DeleteOptions{}))
	t.Cleanup(func() {
		must(t, w.Apply("rbac.yaml"))
		eventually(t, 60*time.Second, func() error { return w.available("v1beta2.custom.metrics.k8s.io") })
	})
	must(t, w.flux.Server.Restart(nil))
	base := "https://" + w.flux.Server.Address()
	client := lab.NewClient(nil)
	eventually(t, 20*time.Second, func() error { return client.Expect(base+"/readyz", nil, 500) })
	must(t, client.Expect(base+"/livez", nil, 200))
	must(t, w.Apply("rbac.yaml"))
	eventually(t, 60*time.Second, func() error { return client.Expect(base+"/readyz", nil, 200) })
}
