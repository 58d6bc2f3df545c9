// Frontproxy asks a server as Kubernetes' aggregator does: one HTTP/2 connection, a client certificate, and the user in
// headers. It prints the requests answered per second; anything but a whole 200 ends it with exit code 1.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	url := flag.String("url", "", "what to ask for")
	ca := flag.String("ca", "", "CA of the server")
	cert := flag.String("cert", "", "client certificate")
	key := flag.String("key", "", "its key")
	seconds := flag.Int("seconds", 10, "how long")
	workers := flag.Int("workers", 16, "requests under way at a time")
	size := flag.Int64("size", 0, "bytes of an answer")
	flag.Parse()
	rate, err := measure(*url, *ca, *cert, *key, *workers, *size, time.Duration(*seconds)*time.Second)
	if err != nil {
		fmt.Fprintln(os.Stderr, "frontproxy:", err)
		os.Exit(1)
	}
	fmt.Printf("%.1f\n", rate)
}

func measure(url, ca, cert, key string, workers int, size int64, span time.Duration) (float64, error) {
	client, err := newClient(ca, cert, key)
	if err != nil {
		return 0, err
	}
	if err := ask(client, url, size); err != nil { // connects
		return 0, err
	}
	var answered atomic.Int64
	var failed atomic.Value
	var group sync.WaitGroup
	begin := time.Now()
	for range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			for time.Since(begin) < span && failed.Load() == nil {
				if err := ask(client, url, size); err != nil {
					failed.Store(err.Error())
					return
				}
				answered.Add(1)
			}
		}()
	}
	group.Wait()
	if reason := failed.Load(); reason != nil {
		return 0, fmt.Errorf("%v", reason)
	}
	return float64(answered.Load()) / time.Since(begin).Seconds(), nil
}

func newClient(ca, cert, key string) (*http.Client, error) {
	authority, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", ca)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}},
	}}, nil
}

func ask(client *http.Client, url string, size int64) error {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("X-Remote-User", "system:serviceaccount:kube-system:horizontal-pod-autoscaler")
	request.Header.Set("X-Remote-Group", "system:authenticated")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	count, err := io.Copy(io.Discard, response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 || count != size {
		return fmt.Errorf("%s, %s, %d bytes; 200, HTTP/2 and %d bytes are wanted", response.Status, response.Proto, count, size)
	}
	return nil
}
