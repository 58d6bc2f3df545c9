package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"fluxmetrics.test/e2e/lab"
)

const discoveryPath = "/apis/custom.metrics.k8s.io/v1beta2"

// settle is the time that the aggregator may take to act on a change that it does not report.
const settle = 3 * time.Second

// loadDuring runs the change under load and fails when any request does.
func (w *world) loadDuring(t *testing.T, change func()) {
	t.Helper()
	load, err := w.StartLoad(metricPath, discoveryPath)
	must(t, err)
	stopped := false
	defer func() {
		if !stopped {
			_, _ = load.Stop()
		}
	}()
	eventually(t, 20*time.Second, func() error {
		if load.Requests() < 50 {
			return fmt.Errorf("only %d requests were answered", load.Requests())
		}
		return nil
	})
	change()
	time.Sleep(time.Second) // what comes after the last step is part of the test
	stopped = true
	count, err := load.Stop()
	must(t, err)
	t.Logf("%d requests, none failed", count)
}

// presented waits until the server shows the certificate that lies in its file.
func (w *world) presented(t *testing.T) {
	t.Helper()
	content, err := os.ReadFile(lab.Path("serving.crt"))
	must(t, err)
	want, _ := pem.Decode(content)
	eventually(t, 60*time.Second, func() error {
		connection, err := tls.Dial("tcp", w.flux.Server.Address(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return err
		}
		defer func() { _ = connection.Close() }()
		if !bytes.Equal(connection.ConnectionState().PeerCertificates[0].Raw, want.Bytes) {
			return fmt.Errorf("the server still shows its old certificate")
		}
		return nil
	})
}

// A new serving certificate, then a new authority for it, both while requests pass through the aggregator.
func testServingRotation(t *testing.T, w *world) {
	w.trust(t, w.Serving.PEM)
	renewed, err := lab.NewAuthority("e2e-serving-ca-renewed")
	must(t, err)
	w.loadDuring(t, func() {
		must(t, w.IssueServing(w.Serving))
		w.presented(t)
		w.trust(t, append(append([]byte(nil), w.Serving.PEM...), renewed.PEM...))
		time.Sleep(settle)
		must(t, w.IssueServing(renewed))
		w.presented(t)
		w.Serving = renewed
		w.trust(t, renewed.PEM)
		time.Sleep(settle)
	})
}

// A new authority for the aggregator's client certificate: added, used, and the old one taken away.
func testFrontProxyRotation(t *testing.T, w *world) {
	w.trust(t, w.Serving.PEM)
	witness := w.metricsServer(t)
	old := w.Credentials.FrontProxy
	renewed, err := lab.NewAuthority("e2e-front-proxy-ca-renewed")
	must(t, err)
	asks := func(authority *lab.Authority, code int) {
		client := lab.NewClient(issue(t, authority, lab.Subject{Name: lab.FrontProxyName}))
		eventually(t, 90*time.Second, func() error {
			return client.Expect("https://"+w.flux.Server.Address()+metricPath, remote(hpaAccount), code)
		})
	}
	w.loadDuring(t, func() {
		_, err := lab.WriteFile("front-proxy-ca.crt", append(append([]byte(nil), old.PEM...), renewed.PEM...))
		must(t, err)
		asks(renewed, 200)
		must(t, lab.WritePair("front-proxy", *issue(t, renewed, lab.Subject{Name: lab.FrontProxyName})))
		eventually(t, 90*time.Second, func() error {
			if _, err := w.Kubectl("get", "--raw", "/apis/metrics.k8s.io/v1beta1"); err != nil {
				return err
			}
			if issuer := witness.ClientIssuer(); issuer != "e2e-front-proxy-ca-renewed" {
				return fmt.Errorf("the aggregator still shows a certificate of %q", issuer)
			}
			return nil
		})
		time.Sleep(settle)
		_, err = lab.WriteFile("front-proxy-ca.crt", renewed.PEM)
		must(t, err)
		stale := lab.NewClient(issue(t, old, lab.Subject{Name: lab.FrontProxyName}))
		w.forget(t, "requestheader-client-ca-file", renewed.PEM, func() error {
			return stale.Expect("https://"+w.flux.Server.Address()+metricPath, remote(hpaAccount), 401)
		})
		asks(renewed, 200)
	})
	w.Credentials.FrontProxy = renewed
}

// A second authority for users is believed as soon as the API server believes it, and no longer.
func testClientCARotation(t *testing.T, w *world) {
	added, err := lab.NewAuthority("e2e-added-client-ca")
	must(t, err)
	client := lab.NewClient(issue(t, added, lab.Subject{Name: "root", Organizations: []string{"system:masters"}}))
	answers := func(code int) {
		eventually(t, 90*time.Second, func() error {
			return client.Expect("https://"+w.flux.Server.Address()+metricPath, nil, code)
		})
	}
	present := w.Credentials.Cluster.PEM
	w.loadDuring(t, func() {
		answers(401)
		_, err := lab.WriteFile("client-ca.crt", append(append([]byte(nil), present...), added.PEM...))
		must(t, err)
		answers(200)
		_, err = lab.WriteFile("client-ca.crt", present)
		must(t, err)
		w.forget(t, "client-ca-file", present, func() error {
			return client.Expect("https://"+w.flux.Server.Address()+metricPath, nil, 401)
		})
	})
}

// forget does what an administrator does after a rotation: kube-apiserver only ever adds authorities to the ConfigMap,
// those that it does not use any more must be taken out by hand. It puts them back until it has read its own file.
func (w *world) forget(t *testing.T, key string, keep []byte, forgotten func() error) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"data": map[string]string{key: string(keep)}})
	must(t, err)
	eventually(t, 90*time.Second, func() error {
		_, err := w.Client.CoreV1().ConfigMaps("kube-system").Patch(context.Background(),
			"extension-apiserver-authentication", types.MergePatchType, patch, metav1.PatchOptions{})
		if err != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
		return forgotten()
	})
}
