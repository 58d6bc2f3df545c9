package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fluxmetrics.test/e2e/lab"
)

const monitoring = "monitoring"

// The second road: Prometheus scrapes the server, prometheus-adapter answers custom.metrics.k8s.io from it in place
// of the server, and the HPA of deploy/ takes the MiniCluster from 2 to 4 and back. When the server is gone the HPA
// keeps the size there, too. Both roads are measured.
func testPrometheusAdapter(t *testing.T, w *world) {
	for variable, what := range map[string]string{
		"FLUX_METRICS_E2E_PROMETHEUS": "Debian's prometheus is not there and could not be downloaded",
		"FLUX_METRICS_E2E_ADAPTER":    "tools/e2e.sh has not built prometheus-adapter"} {
		if os.Getenv(variable) == "" {
			w.report.skip(t, "prometheus-adapter", what)
		}
	}
	w.becomes(t, sample, 2, 30*time.Second)
	w.hpa(t, deployedHPA(t, sample), sample)
	direct := w.resizeTime(t, sample)
	w.startPrometheus(t)
	w.startAdapter(t)
	eventually(t, 60*time.Second, func() error { return w.expectMetric("node_wanted_count", 1) })
	w.adaptedFamilies(t)
	asked := w.metricRequests(t)
	adapted := w.resizeTime(t, sample)
	if again := w.metricRequests(t); again != asked {
		t.Errorf("the server itself was asked for metrics: %s, before %s", again, asked)
	}
	line := fmt.Sprintf("from submit to size 4: %.1f s by our own API, %.1f s by Prometheus and its adapter", direct, adapted)
	fmt.Println(line)
	must(t, os.WriteFile(filepath.Join(lab.LogDir(), "adapter-latency.txt"), []byte(line+"\n"), 0o644))
	w.killServer(t)
	eventually(t, 60*time.Second, func() error {
		if err := w.holds(sample, 2); err != nil {
			return err
		}
		return w.condition(sample, autoscalingv2.ScalingActive, "False", "FailedGetObjectMetric")
	})
	must(t, w.flux.Server.Restart(nil))
	eventually(t, 60*time.Second, func() error { return w.validMetric(sample) })
}

// resizeTime is how many seconds pass from a job's submission, at a random moment between two scrapes and two syncs, until its
// size is set. The size is 2 again afterwards.
func (w *world) resizeTime(t *testing.T, hpa string) float64 {
	t.Helper()
	eventually(t, 60*time.Second, func() error { return w.validMetric(hpa) })
	must(t, w.holds(sample, 2))
	time.Sleep(rand.N(5 * time.Second))
	begin := time.Now()
	_, err := w.flux.Control("submit", "-N4", "--duration", "3s")
	must(t, err)
	must(t, lab.Wait(90*time.Second, 20*time.Millisecond, func() error {
		if size, err := w.size(sample); err != nil || size != 4 {
			return fmt.Errorf("the size is %d, not 4 (%v)", size, err)
		}
		return nil
	}))
	took := time.Since(begin).Seconds()
	w.becomes(t, sample, 4, 30*time.Second)
	w.becomes(t, sample, 2, 60*time.Second)
	return took
}

// startPrometheus runs Prometheus with deploy/prometheus: its service account, its rights, its configuration.
func (w *world) startPrometheus(t *testing.T) {
	t.Helper()
	must(t, w.ApplyText(`{apiVersion: v1, kind: Namespace, metadata: {name: monitoring}}`))
	must(t, w.ApplyText(`{apiVersion: v1, kind: ServiceAccount, metadata: {name: prometheus, namespace: monitoring}}`))
	must(t, w.ApplyText(deployed(t, "prometheus/rbac.yaml")))
	token, err := w.Token(monitoring, "prometheus")
	must(t, err)
	tokenFile, err := lab.WriteFile("prometheus.token", []byte(token))
	must(t, err)
	authority, err := lab.WriteFile("serving-ca.crt", w.Serving.PEM)
	must(t, err)
	process, err := lab.StartPrometheus(deployed(t, "prometheus/scrape.yaml",
		"/var/run/secrets/kubernetes.io/serviceaccount/token", tokenFile, "/etc/prometheus/flux/ca.crt", authority,
		lab.ServiceName+".flux-operator.svc:443", w.flux.Server.Address()))
	must(t, err)
	t.Cleanup(process.Kill)
	query := lab.PrometheusURL + "/api/v1/query?query=" + url.QueryEscape(`flux_nodes_wanted{service="`+lab.ServiceName+`"}`)
	eventually(t, 60*time.Second, func() error {
		if !process.Running() {
			return lab.Final(fmt.Errorf("prometheus has ended, see prometheus.log"))
		}
		answer, err := lab.NewClient(nil).Ask(query, nil)
		if err != nil {
			return err
		}
		return contains(answer.Body, `"namespace":"flux-operator"`)
	})
}

// startAdapter applies deploy/prometheus-adapter, and takes everything away again when the case ends.
func (w *world) startAdapter(t *testing.T) {
	t.Helper()
	const host = "prometheus-adapter.monitoring.svc"
	pair, err := w.Serving.Issue(lab.Subject{Name: host, Hosts: []string{host}})
	must(t, err)
	must(t, lab.WritePair("adapter", pair))
	config, err := lab.WriteFile("adapter.yaml", []byte(deployed(t, "prometheus-adapter/config.yaml")))
	must(t, err)
	manifest := deployed(t, "prometheus-adapter/adapter.yaml",
		"CA_BUNDLE", base64.StdEncoding.EncodeToString(w.Serving.PEM))
	must(t, w.ApplyText(`{apiVersion: v1, kind: ServiceAccount, metadata: {name: prometheus-adapter, namespace: monitoring}}`))
	token, err := w.Token(monitoring, "prometheus-adapter")
	must(t, err)
	kubeconfig, err := lab.WriteTokenKubeconfig("prometheus-adapter", token)
	must(t, err)
	w.Kubelet.Assign("prometheus-adapter", &lab.Adapter{Kubeconfig: kubeconfig, Replacements: []string{
		"/etc/adapter/config.yaml", config, "http://prometheus.monitoring.svc:9090", lab.PrometheusURL,
		"/etc/adapter-tls/tls.crt", lab.Path("adapter.crt"), "/etc/adapter-tls/tls.key", lab.Path("adapter.key")}})
	t.Cleanup(func() {
		_, err := w.KubectlInput(manifest, "delete", "-f", "-", "--wait=false")
		must(t, err)
		w.trust(t, w.Serving.PEM)
		eventually(t, 60*time.Second, func() error { return w.expectMetric("node_up_count", 2) })
	})
	must(t, w.ApplyText(manifest))
	eventually(t, 60*time.Second, func() error {
		pods, err := w.Client.CoreV1().Pods(monitoring).List(context.Background(), metav1.ListOptions{})
		if err != nil || len(pods.Items) == 0 {
			return fmt.Errorf("prometheus-adapter has no pod yet (%v)", err)
		}
		for _, version := range []string{"v1beta1", "v1beta2"} {
			if err := w.available(version + ".custom.metrics.k8s.io"); err != nil {
				return err
			}
			if err := w.servedBy(version+".custom.metrics.k8s.io", monitoring+"/prometheus-adapter"); err != nil {
				return err
			}
		}
		return nil
	})
}

// adaptedFamilies checks what deploy/prometheus-adapter/config.yaml makes of families that are told by state: of the 4
// ranks, 2 have no pod. Of all Services there is one that has a metric.
func (w *world) adaptedFamilies(t *testing.T) {
	t.Helper()
	const services = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/services/"
	for path, value := range map[string]string{
		lab.ServiceName + "/flux_nodes":                                   "4",
		lab.ServiceName + "/flux_nodes?metricLabelSelector=state=offline": "2",
		lab.ServiceName + "/node_shortage_count":                          "0",
		"*/node_wanted_count":                                             "1",
	} {
		eventually(t, 30*time.Second, func() error {
			output, err := w.Kubectl("get", "--raw", services+path)
			if err != nil {
				return err
			}
			return contains(output, `"name":"`+lab.ServiceName+`"`, `"value":"`+value+`"`)
		})
	}
}

// servedBy is no error when kubectl shows that Service for an APIService.
func (w *world) servedBy(name, service string) error {
	output, err := w.Kubectl("get", "apiservice", name)
	if err != nil {
		return err
	}
	return contains(output, service)
}

// metricRequests is how many requests for metrics the server has answered so far, as it tells itself.
func (w *world) metricRequests(t *testing.T) string {
	t.Helper()
	client := lab.NewClient(issue(t, w.Credentials.Cluster, lab.Subject{Name: "root", Organizations: []string{"system:masters"}}))
	answer, err := client.Ask("https://"+w.flux.Server.Address()+"/metrics?name[]=flux_metrics_http_requests_total", nil)
	must(t, err)
	lines := regexp.MustCompile(`flux_metrics_http_requests_total\{route="metric".*`).FindAllString(answer.Body, -1)
	if len(lines) == 0 {
		t.Fatalf("/metrics has no count of requests for metrics: %d %.500s", answer.Code, answer.Body)
	}
	return strings.Join(lines, "\n")
}
