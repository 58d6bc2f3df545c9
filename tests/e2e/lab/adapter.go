package lab

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// PrometheusURL is where the sandbox's Prometheus listens.
const (
	prometheusAddress = "10.244.1.11"
	PrometheusURL     = "http://" + prometheusAddress + ":9090"
)

// StartPrometheus runs Debian's Prometheus with a configuration.
func StartPrometheus(configuration string) (*Process, error) {
	if err := AddAddress(prometheusAddress); err != nil {
		return nil, err
	}
	path, err := WriteFile("prometheus.yaml", []byte(configuration))
	if err != nil {
		return nil, err
	}
	return Start("prometheus", nil, os.Getenv("FLUX_METRICS_E2E_PROMETHEUS"), "--config.file="+path,
		"--storage.tsdb.path="+Path("prometheus"), "--web.listen-address="+prometheusAddress+":9090", "--log.level=warn")
}

// Adapter is the workload of prometheus-adapter's pod: it runs with the arguments of its container, but for what a
// volume, the cluster's DNS and the mounted service account would give it there.
type Adapter struct {
	Replacements []string // pairs of words in the arguments
	Kubeconfig   string   // of its service account
	mutex        sync.Mutex
	process      *Process
}

// Start runs the adapter on the pod's address.
func (a *Adapter) Start(pod Pod) error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	words := strings.NewReplacer(a.Replacements...)
	arguments := []string{"--bind-address=" + pod.Address, "--lister-kubeconfig=" + a.Kubeconfig,
		"--authentication-kubeconfig=" + a.Kubeconfig, "--authorization-kubeconfig=" + a.Kubeconfig}
	for _, argument := range pod.Arguments {
		arguments = append(arguments, words.Replace(argument))
	}
	var err error
	a.process, err = Start("prometheus-adapter", nil, os.Getenv("FLUX_METRICS_E2E_ADAPTER"), arguments...)
	return err
}

// Ready asks /readyz, as the readiness probe does.
func (a *Adapter) Ready(pod Pod) bool {
	client := insecureClient(nil)
	client.Timeout = time.Second
	return client.Expect(fmt.Sprintf("https://%s:8443/readyz", pod.Address), nil, 200) == nil
}

// Terminate ends the adapter.
func (a *Adapter) Terminate(pod Pod) bool {
	a.Stop(pod)
	return true
}

// Stop ends the adapter at once.
func (a *Adapter) Stop(Pod) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.process != nil {
		a.process.Kill()
		a.process = nil
	}
}
