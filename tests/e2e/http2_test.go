package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"fluxmetrics.test/e2e/lab"
)

// The aggregator sends everything over one HTTP/2 connection: 100 requests at once must not wait for each other.
func testHundredStreams(t *testing.T, w *world) {
	administrator := issue(t, w.Credentials.Cluster, lab.Subject{Name: "root", Organizations: []string{"system:masters"}})
	pair, err := tls.X509KeyPair(administrator.Certificate, administrator.Key)
	must(t, err)
	probe, err := tls.Dial("tcp", w.flux.Server.Address(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	must(t, err)
	if protocol := probe.ConnectionState().NegotiatedProtocol; protocol != "h2" {
		t.Fatalf("the server speaks %q, not HTTP/2", protocol)
	}
	must(t, probe.Close())
	config := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, MaxConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	failures := make(chan error, 1000)
	for range 10 {
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				if err := getHTTP2(client, "https://"+w.flux.Server.Address()+metricPath); err != nil {
					failures <- err
				}
			})
		}
		group.Wait()
	}
	close(failures)
	for failure := range failures {
		t.Fatalf("one of 1000 requests failed: %v", failure)
	}
}

func getHTTP2(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.ReadAll(response.Body); err != nil {
		return err
	}
	if response.StatusCode != 200 || response.ProtoMajor != 2 {
		return fmt.Errorf("%s %s", response.Proto, response.Status)
	}
	return nil
}
