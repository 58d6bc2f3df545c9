package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fluxmetrics.test/e2e/lab"
)

// With the RBAC of deploy/ a controller may follow the state and have ranks drained; the agent's own account, whose
// token a Flux job may read in the pod, and an account without rights may do neither.
func testAgentRights(t *testing.T, w *world) {
	must(t, w.ApplyText(deployed(t, "controller-rbac.yaml")))
	base := "https://" + w.flux.Server.Address() + "/flux-metrics/v1/"
	w.newAccount(t, "agent-idler", false)
	header := func(account string) http.Header {
		token, err := w.Token(lab.Namespace, account)
		must(t, err)
		return http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}
	}
	client := lab.NewClient(nil)
	drain := func(header http.Header, verb string) (int, string) {
		body := fmt.Sprintf(`{"ranks": "1", "requester": "e2e", "lease": {"holder": "e2e", "transitions": 1}, "deadline": %q}`,
			time.Now().Add(time.Minute).UTC().Format(time.RFC3339))
		answer, err := client.Post(base+verb, header, body)
		must(t, err)
		return answer.Code, answer.Body
	}
	controller := header("flux-metrics-controller")
	eventually(t, 20*time.Second, func() error { return client.Expect(base+"state", controller, 200) })
	for _, verb := range []string{"drain", "undrain"} {
		if code, body := drain(controller, verb); code != 200 {
			t.Errorf("%s by the controller is %d: %.300s", verb, code, body)
		}
	}
	for _, account := range []string{"flux-metrics-api", "agent-idler"} {
		refused := header(account)
		must(t, client.Expect(base+"state", refused, 403))
		must(t, client.Expect(base+"state?watch=true", refused, 403))
		for _, verb := range []string{"drain", "undrain"} {
			code, body := drain(refused, verb)
			if code != 403 || !strings.Contains(body, "system:serviceaccount:flux-operator:"+account) {
				t.Errorf("%s by %s is %d, not 403: %.300s", verb, account, code, body)
			}
		}
	}
}
