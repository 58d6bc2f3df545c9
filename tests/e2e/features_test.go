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

// needsExternal skips a case when the server has no external metrics.
func (w *world) needsExternal(t *testing.T, name string) {
	t.Helper()
	client := lab.NewClient(nil)
	answer, err := client.Ask("https://"+w.flux.Server.Address()+"/apis/external.metrics.k8s.io/v1beta1", nil)
	must(t, err)
	if answer.Code == 404 {
		w.report.skip(t, name, "this build does not serve external.metrics.k8s.io")
	}
}
