package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Kubectl runs kubectl as the cluster's administrator and returns what it prints to standard output. It remembers
// nothing between calls, so that every call asks the API server for its discovery documents.
func (c *ControlPlane) Kubectl(arguments ...string) (string, error) {
	return c.KubectlInput("", arguments...)
}

// KubectlInput is Kubectl with a standard input.
func (c *ControlPlane) KubectlInput(input string, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	command, cleanup, err := c.kubectl(ctx, arguments...)
	if err != nil {
		return "", err
	}
	defer cleanup()
	var output, complaints bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(input), &output, &complaints
	if err := command.Run(); err != nil {
		return output.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(arguments, " "), err,
			strings.TrimSpace(complaints.String()))
	}
	return output.String(), nil
}

// KubectlBackground starts kubectl and returns a function that ends it and gives what it printed.
func (c *ControlPlane) KubectlBackground(arguments ...string) (func() string, error) {
	ctx, cancel := context.WithCancel(context.Background())
	command, cleanup, err := c.kubectl(ctx, arguments...)
	if err != nil {
		cancel()
		return nil, err
	}
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		cancel()
		cleanup()
		return nil, err
	}
	return func() string {
		cancel()
		_ = command.Wait()
		cleanup()
		return output.String()
	}, nil
}

func (c *ControlPlane) kubectl(ctx context.Context, arguments ...string) (*exec.Cmd, func(), error) {
	cache, err := os.MkdirTemp(StateDir, "kubectl-")
	if err != nil {
		return nil, nil, err
	}
	all := append([]string{"kubectl", "--kubeconfig", Path("admin.kubeconfig"), "--cache-dir", cache}, arguments...)
	command := exec.CommandContext(ctx, c.program, all...)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + cache}
	return command, func() { _ = os.RemoveAll(cache) }, nil
}
