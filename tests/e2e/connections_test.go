package e2e

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fluxmetrics.test/e2e/lab"
)

// Every APIService that changes makes the aggregator connect anew: no fresh connection may end without an answer.
func testFreshConnections(t *testing.T, w *world) {
	administrator := issue(t, w.Credentials.Cluster, lab.Subject{Name: "root", Organizations: []string{"system:masters"}})
	pair, err := tls.X509KeyPair(administrator.Certificate, administrator.Key)
	must(t, err)
	url := "https://" + w.flux.Server.Address() + metricPath
	failures := make(chan error, 100_000)
	var group sync.WaitGroup
	var connections atomic.Int64
	end := time.Now().Add(5 * time.Second)
	for range 12 {
		group.Go(func() {
			for time.Now().Before(end) {
				connections.Add(1)
				if err := useConnection(url, pair); err != nil {
					failures <- fmt.Errorf("%s: %w", time.Now().UTC().Format("15:04:05.000"), err)
				}
			}
		})
	}
	group.Wait()
	close(failures)
	if count := len(failures); count > 0 {
		t.Errorf("of %d connections %d failed, the first: %v", connections.Load(), count, <-failures)
	}
}

// useConnection makes a connection, asks for three answers and closes it.
func useConnection(url string, certificate tls.Certificate) error {
	config := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{certificate}}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &lab.Client{Client: &http.Client{Transport: transport, Timeout: 20 * time.Second}}
	for range 3 {
		if err := client.Expect(url, nil, 200); err != nil {
			return err
		}
	}
	return nil
}
