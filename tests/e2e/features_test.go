package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"fluxmetrics.test/e2e/lab"
)

// needsAuthentication skips a case when the program cannot tell clients from each other.
func (w *world) needsAuthentication(t *testing.T, name string) {
	t.Helper()
	w.needsFlag(t, name, "--authentication-kubeconfig")
}

// needsFlag skips a case when `start` has no such flag.
func (w *world) needsFlag(t *testing.T, name, flag string) {
	t.Helper()
	help, err := exec.Command(lab.Program(), "start", "--help").Output()
	must(t, err)
	if !strings.Contains(string(help), flag) {
		w.report.skip(t, name, "this build's start has no "+flag)
	}
}

const externalPath = "/apis/external.metrics.k8s.io/v1beta1"

// needsExternal skips a case when the server has no external metrics.
func (w *world) needsExternal(t *testing.T, name string) {
	t.Helper()
	if !w.serves(t, externalPath) {
		w.report.skip(t, name, "this build does not serve external.metrics.k8s.io")
	}
}

// needsPods skips a case when the server has no metrics of pods.
func (w *world) needsPods(t *testing.T, name string) {
	t.Helper()
	if !w.serves(t, "/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/pods/%2A/node_cores_allocated_count") {
		w.report.skip(t, name, "this build has no metrics of pods")
	}
}

// serves asks the server itself, as an administrator.
func (w *world) serves(t *testing.T, path string) bool {
	t.Helper()
	administrator := issue(t, w.Credentials.Cluster, lab.Subject{Name: "root", Organizations: []string{"system:masters"}})
	answer, err := lab.NewClient(administrator).Ask("https://"+w.flux.Server.Address()+path, nil)
	must(t, err)
	return answer.Code != 404
}
