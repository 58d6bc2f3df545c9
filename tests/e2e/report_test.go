package e2e

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// report collects the verdict of each case and prints it twice: when the case ends, and all at the end.
type report struct {
	mutex   sync.Mutex
	lines   []string
	passed  int
	failed  int
	skipped int
	reasons map[string]string
}

// watch notes how the case ends.
func (r *report) watch(t *testing.T, name string) {
	begin := time.Now()
	t.Cleanup(func() {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		verdict := "PASSED"
		switch {
		case t.Failed():
			verdict = "FAILED"
			r.failed++
		case t.Skipped():
			r.skipped++
			r.lines = append(r.lines, fmt.Sprintf("SKIPPED: %s: %s", name, r.reasons[name]))
			return
		default:
			r.passed++
		}
		line := fmt.Sprintf("%s %6.1f s  %s", verdict, time.Since(begin).Seconds(), name)
		r.lines = append(r.lines, line)
		fmt.Println(line)
	})
}

// skip ends a case that cannot run here and says why.
func (r *report) skip(t *testing.T, name, reason string) {
	t.Helper()
	r.mutex.Lock()
	if r.reasons == nil {
		r.reasons = map[string]string{}
	}
	r.reasons[name] = reason
	r.mutex.Unlock()
	t.Skip(reason)
}

// cases is how many cases have come to a verdict.
func (r *report) cases() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.passed + r.failed + r.skipped
}

func (r *report) print(total time.Duration) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	sort.SliceStable(r.lines, func(a, b int) bool {
		return strings.HasPrefix(r.lines[b], "SKIPPED") && !strings.HasPrefix(r.lines[a], "SKIPPED")
	})
	fmt.Printf("\n%s\n", strings.Join(r.lines, "\n"))
	fmt.Printf("\nthe cases took %.0f s\n", total.Seconds())
	fmt.Printf("e2e: %d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
}
