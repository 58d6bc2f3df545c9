package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Socket is where the leader's broker listens: the first usual place, so that nothing has to name it.
const Socket = "/run/flux/local"

// Program is the flux-metrics-api under test.
func Program() string { return os.Getenv("FLUX_METRICS_API") }

// rejoin is how long a worker's broker is away that another broker took the rank from: it ends within 3.5 to 5.2 s,
// and 15 s later the operator's script starts it again, which takes the rank back.
const rejoin = 19 * time.Second

// Flux is the workload of one MiniCluster: a simulated instance whose leader, and the server beside it, run in the
// pod of index 0, and whose other ranks come and go with their pods. While an old pod of an index terminates there may
// be a new one: the broker that started last has the rank, and jobs on the one before it fail.
type Flux struct {
	MaxSize int
	Cores   int
	Server  *Server
	mutex   sync.Mutex
	broker  *Process
	running map[string]bool // the pods, by name
	ranks   map[int]Pod     // whose broker is the rank's
	servers map[int]*Server // more servers than the leader's
}

// Start brings a rank up.
func (f *Flux) Start(pod Pod) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.running == nil {
		f.running, f.ranks, f.servers = map[string]bool{}, map[int]Pod{}, map[int]*Server{}
	}
	f.running[pod.Name] = true
	if pod.Index > 0 {
		return f.join(pod)
	}
	f.ranks[0] = pod
	f.stopBroker() // of a leader that terminates: one machine has one socket
	if err := f.startBroker(); err != nil {
		return err
	}
	return f.Server.StartAt(pod.Address)
}

// join lets a worker's broker join, whether the rank has one or not.
func (f *Flux) join(pod Pod) error {
	before, had := f.ranks[pod.Index]
	f.ranks[pod.Index] = pod
	if had {
		time.AfterFunc(rejoin, func() { f.joinAgain(before) })
	}
	if f.broker == nil {
		return nil // it comes up with the others
	}
	rank := strconv.Itoa(pod.Index)
	if had { // one that comes to a rank whose pod is deleted takes it over
		if _, err := f.control("offline", rank); err != nil {
			return err
		}
	}
	_, err := f.control("online", rank)
	return err
}

func (f *Flux) joinAgain(pod Pod) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.running[pod.Name] && f.ranks[pod.Index].Name != pod.Name {
		_ = f.join(pod)
	}
}

// AddReplica runs one more server in a pod. From then on the pods with servers are ready when their servers are.
func (f *Flux) AddReplica(index int, server *Server) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	pod, runs := f.ranks[index]
	if !runs {
		return fmt.Errorf("the pod %d does not run", index)
	}
	f.servers[index] = server
	return server.StartAt(pod.Address)
}

// RemoveReplica ends that server.
func (f *Flux) RemoveReplica(index int) error {
	f.mutex.Lock()
	server := f.servers[index]
	delete(f.servers, index)
	f.mutex.Unlock()
	return server.Stop()
}

// Ready is true as long as there is one server: the article's pods have no readiness probe. With replicas, pods with
// a server have one.
func (f *Flux) Ready(pod Pod) bool {
	f.mutex.Lock()
	server, probed := f.servers[pod.Index], len(f.servers) > 0
	if pod.Index == 0 && probed {
		server = f.Server
	}
	f.mutex.Unlock()
	return server == nil || server.Ready()
}

// Terminate ends the server, which obeys SIGTERM. The broker runs on, and takes jobs: process 1 of its container is a
// shell, which ignores SIGTERM.
func (f *Flux) Terminate(pod Pod) bool {
	if pod.Index == 0 {
		_ = f.Server.Stop()
	}
	return false
}

// Stop kills the broker of a pod; the rank is lost unless it is another pod's by now.
func (f *Flux) Stop(pod Pod) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	delete(f.running, pod.Name)
	if f.ranks[pod.Index].Name != pod.Name {
		return
	}
	delete(f.ranks, pod.Index)
	if pod.Index == 0 {
		_ = f.Server.Stop()
		f.stopBroker()
	} else if f.broker != nil {
		_, _ = f.control("offline", strconv.Itoa(pod.Index), "--lost")
	}
}

// KillBroker ends the leader's broker as a crash does; its socket stays behind.
func (f *Flux) KillBroker() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.stopBroker()
}

// RestartBroker brings an instance without jobs back, with the ranks whose pods run.
func (f *Flux) RestartBroker() error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.stopBroker()
	return f.startBroker()
}

// Control runs simulate-ctl on the instance and returns what it prints.
func (f *Flux) Control(arguments ...string) (string, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.control(arguments...)
}

func (f *Flux) startBroker() error {
	if err := os.MkdirAll(filepath.Dir(Socket), 0o755); err != nil {
		return err
	}
	_ = os.Remove(Socket)
	// The kubelet says when the grace period of a pod is over.
	broker, err := Start("broker", nil, Program(), "simulate", "--size", "1", "--max-size", strconv.Itoa(f.MaxSize),
		"--cores", strconv.Itoa(f.Cores), "--pod-grace", "24h", "--socket", Socket)
	if err != nil {
		return err
	}
	f.broker = broker
	if err := Wait(10*time.Second, 50*time.Millisecond, func() error {
		if !broker.Running() {
			return Final(fmt.Errorf("the simulated instance has ended, see broker.log"))
		}
		_, err := f.control("clock")
		return err
	}); err != nil {
		return err
	}
	for rank := range f.ranks {
		if rank > 0 {
			if _, err := f.control("online", strconv.Itoa(rank)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *Flux) stopBroker() {
	if f.broker != nil {
		f.broker.Kill()
		f.broker = nil
	}
}

func (f *Flux) control(arguments ...string) (string, error) {
	output, err := run(Program(), append([]string{"simulate-ctl", "--flux-uri", "local://" + Socket}, arguments...)...)
	return strings.TrimSpace(output), err
}

// RunProgram runs the flux-metrics-api under test and returns what it prints, its exit code, and what it complained of
// when that is not 0.
func RunProgram(arguments ...string) (string, int, error) {
	output, err := run(Program(), arguments...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return output, exit.ExitCode(), err
	}
	if err != nil {
		return output, -1, err
	}
	return output, 0, nil
}

func run(program string, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, program, arguments...)
	var complaints strings.Builder
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		return string(output), fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(arguments, " "), err,
			strings.TrimSpace(complaints.String()))
	}
	return string(output), nil
}
