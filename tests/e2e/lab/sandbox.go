package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// insideVariable tells the test program that it runs in its own namespaces already.
const insideVariable = "FLUX_METRICS_E2E_INSIDE"

// StateDir is a file system in memory that exists in the sandbox only: certificates, etcd's data, sockets.
const StateDir = "/run/e2e"

// Inside tells whether this process is the one in the sandbox.
func Inside() bool { return os.Getenv(insideVariable) != "" }

// Enter runs this program once more in network, process and mount namespaces of its own, waits for it and returns
// its exit code. The copy is process 1 there: when it ends, however it ends, the kernel ends every process that it
// started, and the addresses and mounts are gone with the namespaces.
func Enter() (int, error) {
	// Pdeathsig follows the thread that forked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	command := exec.Command("/proc/self/exe", os.Args[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Env = append(os.Environ(), insideVariable+"=1")
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, fmt.Errorf("cannot make namespaces (root is needed): %w", err)
	}
	return 0, nil
}

// Furnish prepares the sandbox from within: private mounts, an own /proc and /run, and loopback.
func Furnish() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot make the mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("cannot mount /proc: %w", err)
	}
	if err := syscall.Mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("cannot mount /run: %w", err)
	}
	if err := os.MkdirAll(StateDir, 0o755); err != nil {
		return err
	}
	return ip("link", "set", "lo", "up")
}

// AddAddress gives the sandbox one more address; every process in it can bind it.
func AddAddress(address string) error {
	err := ip("address", "add", address+"/32", "dev", "lo")
	if err != nil && strings.Contains(err.Error(), "File exists") {
		return nil
	}
	return err
}

// RemoveAddress takes an address away again: connections to it fail at once.
func RemoveAddress(address string) error {
	return ip("address", "del", address+"/32", "dev", "lo")
}

func ip(arguments ...string) error {
	output, err := exec.Command("ip", arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(arguments, " "), err, strings.TrimSpace(string(output)))
	}
	return nil
}
