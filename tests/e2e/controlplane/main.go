// Command controlplane is Kubernetes' own control plane and kubectl in one program, so that the tests link, and
// cache, one file: controlplane kube-apiserver --etcd-servers=... . A link to it named as the component works too.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func command(name string) *cobra.Command {
	switch name {
	case "kube-apiserver":
		return apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		return controllermanager.NewControllerManagerCommand()
	case "kube-scheduler":
		return scheduler.NewSchedulerCommand()
	case "kubectl":
		return kubectl.NewDefaultKubectlCommand()
	}
	return nil
}

func main() {
	chosen := command(filepath.Base(os.Args[0]))
	if chosen == nil && len(os.Args) > 1 {
		os.Args = os.Args[1:]
		chosen = command(os.Args[0])
	}
	if chosen == nil {
		fmt.Fprintln(os.Stderr, "say kube-apiserver, kube-controller-manager, kube-scheduler or kubectl first")
		os.Exit(2)
	}
	os.Exit(cli.Run(chosen))
}
