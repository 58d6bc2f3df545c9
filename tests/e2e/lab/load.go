package lab

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// Load is a steady stream of requests through the aggregator. Nothing is tried again: a request that fails has failed.
type Load struct {
	client   *http.Client
	cancel   context.CancelFunc
	group    sync.WaitGroup
	mutex    sync.Mutex
	requests int
	failures []string
}

// StartLoad asks for each of the paths again and again, with 4 workers that rest for 5 ms between two requests.
func (c *ControlPlane) StartLoad(paths ...string) (*Load, error) {
	transport, err := rest.TransportFor(c.Config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	load := &Load{client: &http.Client{Transport: transport}, cancel: cancel}
	for worker := range 4 {
		load.group.Go(func() {
			for i := worker; ctx.Err() == nil; i++ {
				path := paths[i%len(paths)]
				if err := load.ask(ctx, path); ctx.Err() == nil {
					load.note(path, err)
				}
				pause(ctx, 5*time.Millisecond)
			}
		})
	}
	return load, nil
}

func (l *Load) ask(ctx context.Context, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, APIServerURL+path, nil)
	if err != nil {
		return err
	}
	response, err := l.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.300s", response.Status, body)
	}
	return err
}

func (l *Load) note(path string, err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.requests++
	if err != nil && len(l.failures) < 10 {
		l.failures = append(l.failures, fmt.Sprintf("%s %s: %v", time.Now().UTC().Format("15:04:05.000"), path, err))
	}
}

// Requests is how many requests have been answered so far.
func (l *Load) Requests() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.requests
}

// Stop ends the load; an error tells of the first requests that failed.
func (l *Load) Stop() (int, error) {
	l.cancel()
	l.group.Wait()
	if len(l.failures) > 0 {
		return l.requests, fmt.Errorf("of %d requests at least %d failed: %q", l.requests, len(l.failures), l.failures)
	}
	return l.requests, nil
}
