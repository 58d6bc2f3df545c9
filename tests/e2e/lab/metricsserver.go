package lab

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MetricsServer stands in for metrics-server: every pod uses as much CPU as it is told to say.
type MetricsServer struct {
	plane  *ControlPlane
	milli  atomic.Int64
	issuer atomic.Value
}

const metricsServerAddress = "10.244.1.10"

// StartMetricsServer serves metrics.k8s.io from within the test program and registers it.
func (l *Lab) StartMetricsServer() (*MetricsServer, error) {
	if err := AddAddress(metricsServerAddress); err != nil {
		return nil, err
	}
	const name = "metrics-server.kube-system.svc"
	pair, err := l.Serving.Issue(Subject{Name: name, Hosts: []string{name}})
	if err != nil {
		return nil, err
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", metricsServerAddress+":4443")
	if err != nil {
		return nil, err
	}
	complaints, err := os.Create(filepath.Join(LogDir(), "metrics-server.log"))
	if err != nil {
		return nil, err
	}
	metrics := &MetricsServer{plane: l.ControlPlane}
	server := &http.Server{
		Handler:           metrics.witness(metrics.routes()),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert},
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(complaints, "", log.LstdFlags),
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	return metrics, l.Apply("metrics-server.yaml", "CA_BUNDLE", base64.StdEncoding.EncodeToString(l.Serving.PEM))
}

// SetCPU says what every pod uses from now on, in thousandths of a core.
func (m *MetricsServer) SetCPU(milli int64) { m.milli.Store(milli) }

// ClientIssuer is who signed the certificate that the last client has shown.
func (m *MetricsServer) ClientIssuer() string {
	name, _ := m.issuer.Load().(string)
	return name
}

func (m *MetricsServer) witness(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
			m.issuer.Store(r.TLS.PeerCertificates[0].Issuer.CommonName)
		}
		next.ServeHTTP(w, r)
	})
}

func (m *MetricsServer) routes() http.Handler {
	const base = "/apis/metrics.k8s.io/v1beta1"
	routes := http.NewServeMux()
	routes.HandleFunc("GET "+base, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "metrics.k8s.io/v1beta1",
			"resources": []any{map[string]any{"name": "pods", "singularName": "pod", "namespaced": true,
				"kind": "PodMetrics", "verbs": []string{"get", "list"}}}})
	})
	routes.HandleFunc("GET "+base+"/namespaces/{namespace}/pods", m.pods)
	return routes
}

func (m *MetricsServer) pods(w http.ResponseWriter, r *http.Request) {
	namespace := r.PathValue("namespace")
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	pods, err := m.plane.Client.CoreV1().Pods(namespace).List(ctx,
		metav1.ListOptions{LabelSelector: r.URL.Query().Get("labelSelector")})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	items := []any{}
	for _, pod := range pods.Items {
		usage := map[string]any{"cpu": fmt.Sprintf("%dm", m.milli.Load()), "memory": "64Mi"}
		containers := []any{}
		for _, container := range pod.Spec.Containers {
			containers = append(containers, map[string]any{"name": container.Name, "usage": usage})
		}
		items = append(items, map[string]any{
			"metadata":  map[string]any{"name": pod.Name, "namespace": namespace},
			"timestamp": time.Now().UTC().Format(time.RFC3339), "window": "15s", "containers": containers})
	}
	answer(w, map[string]any{"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1",
		"metadata": map[string]any{}, "items": items})
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
