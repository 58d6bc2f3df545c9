// The tests run flux-metrics-api under a real Kubernetes control plane: see docs/e2e.md.
package e2e

import (
	"embed"
	"fmt"
	"os"
	"testing"

	"fluxmetrics.test/e2e/lab"
)

//go:embed manifests/*.yaml
var manifests embed.FS

func TestMain(m *testing.M) {
	if !lab.Inside() {
		code, err := lab.Enter()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}
	os.Exit(m.Run())
}
