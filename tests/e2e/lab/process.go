package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// LogDir is where each process of the lab writes NAME.log.
func LogDir() string {
	if dir := os.Getenv("FLUX_METRICS_E2E_LOGS"); dir != "" {
		return dir
	}
	return filepath.Join(os.TempDir(), "flux-metrics-e2e-logs")
}

// Process is a program that runs in the sandbox.
type Process struct {
	Name    string
	command *exec.Cmd
	done    chan struct{}
	mutex   sync.Mutex
	status  error
}

// Start runs a program; what it prints is appended to NAME.log. The variables are added to a bare environment.
func Start(name string, variables []string, program string, arguments ...string) (*Process, error) {
	log, err := os.OpenFile(filepath.Join(LogDir(), name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	_, _ = fmt.Fprintf(log, "--- %s %s %s\n", time.Now().UTC().Format(time.RFC3339), program, strings.Join(arguments, " "))
	command := exec.Command(program, arguments...)
	command.Stdout, command.Stderr = log, log
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + StateDir}, variables...)
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", name, err)
	}
	process := &Process{Name: name, command: command, done: make(chan struct{})}
	go func() {
		err := command.Wait()
		process.mutex.Lock()
		process.status = err
		process.mutex.Unlock()
		close(process.done)
	}()
	return process, nil
}

// Running tells whether the program has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Signal sends a signal; a program that has ended already is no error.
func (p *Process) Signal(signal syscall.Signal) error {
	err := p.command.Process.Signal(signal)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Stop asks the program to end, waits, and insists after the grace period. Returns how it ended.
func (p *Process) Stop(grace time.Duration) error {
	_ = p.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(grace):
		_ = p.Signal(syscall.SIGKILL)
		<-p.done
		return fmt.Errorf("%s did not end within %s of SIGTERM", p.Name, grace)
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.status
}

// Kill ends the program at once.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL)
	<-p.done
}
