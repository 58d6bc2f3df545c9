package lab

import (
	"context"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// ControlPlane is etcd, kube-apiserver, kube-controller-manager and kube-scheduler, and a way to talk to them.
type ControlPlane struct {
	Credentials *Credentials
	Config      *rest.Config
	Client      kubernetes.Interface
	Dynamic     dynamic.Interface
	program     string
	processes   []*Process
}

// HPASync is how often the HorizontalPodAutoscaler controller looks: 15 s by default, less here so that tests are quick.
// The windows of a behavior are whole seconds: none of the small ones ends when a sync begins.
const HPASync = 1100 * time.Millisecond

// StartControlPlane starts etcd and kube-apiserver and waits until the API is there. The controllers come later, by
// StartControllers: their knowledge of resources is renewed twice a minute only, so the lab's own kinds come first.
func StartControlPlane() (*ControlPlane, error) {
	program, etcd := os.Getenv("FLUX_METRICS_E2E_CONTROLPLANE"), os.Getenv("FLUX_METRICS_E2E_ETCD")
	if program == "" || etcd == "" {
		return nil, fmt.Errorf("FLUX_METRICS_E2E_CONTROLPLANE and FLUX_METRICS_E2E_ETCD are not set: run tools/e2e.sh")
	}
	for _, address := range []string{APIServerAddress, "10.96.0.1"} {
		if err := AddAddress(address); err != nil {
			return nil, err
		}
	}
	credentials, err := newCredentials()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"admin", "controller-manager", "scheduler", OperatorName} {
		if _, err := writeKubeconfig(name); err != nil {
			return nil, err
		}
	}
	if _, err := WriteFile("audit-policy.yaml", []byte(auditPolicy)); err != nil {
		return nil, err
	}
	plane := &ControlPlane{Credentials: credentials, Config: clientConfig("admin"), program: program}
	if plane.Client, err = kubernetes.NewForConfig(plane.Config); err != nil {
		return nil, err
	}
	if plane.Dynamic, err = dynamic.NewForConfig(plane.Config); err != nil {
		return nil, err
	}
	if err := plane.run("etcd", etcd, etcdFlags()...); err != nil {
		return nil, err
	}
	if err := plane.run("kube-apiserver", program, append([]string{"kube-apiserver"}, apiserverFlags()...)...); err != nil {
		return nil, err
	}
	return plane, plane.waitReady(60 * time.Second)
}

// StartControllers starts the controller-manager and the scheduler.
func (c *ControlPlane) StartControllers() error {
	if err := c.run("kube-controller-manager", c.program,
		append([]string{"kube-controller-manager"}, controllerManagerFlags()...)...); err != nil {
		return err
	}
	return c.run("kube-scheduler", c.program, append([]string{"kube-scheduler"}, schedulerFlags()...)...)
}

func (c *ControlPlane) run(name, program string, arguments ...string) error {
	process, err := Start(name, nil, program, arguments...)
	if err != nil {
		return err
	}
	c.processes = append(c.processes, process)
	return nil
}

func (c *ControlPlane) waitReady(within time.Duration) error {
	return Wait(within, 100*time.Millisecond, func() error {
		for _, process := range c.processes {
			if !process.Running() {
				return Final(fmt.Errorf("%s has ended, see %s/%s.log", process.Name, LogDir(), process.Name))
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_, err := c.Client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	})
}

// Ended names the processes of the control plane that are not running any more.
func (c *ControlPlane) Ended() []string {
	var names []string
	for _, process := range c.processes {
		if !process.Running() {
			names = append(names, process.Name)
		}
	}
	return names
}
