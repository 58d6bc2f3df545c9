package lab

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Namespace and ServiceName are the article's.
const (
	Namespace   = "flux-operator"
	ServiceName = "custom-metrics-apiserver"
	ServerPort  = "8443"
)

// Server is one `flux-metrics-api start` in a pod.
type Server struct {
	Name    string   // of its log
	Args    []string // after the address, the port and the certificate
	mutex   sync.Mutex
	address string
	probed  atomic.Value // the address again: a probe does not wait for a restart
	process *Process
}

// StartAt runs the server on a pod's address.
func (s *Server) StartAt(address string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.address = address
	s.probed.Store(address + ":" + ServerPort)
	return s.start()
}

// Restart ends the server in an orderly way and starts it with other arguments; nil keeps those it has.
func (s *Server) Restart(arguments []string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.stop(); err != nil {
		return err
	}
	if arguments != nil {
		s.Args = arguments
	}
	return s.start()
}

// Stop sends SIGTERM and waits for the end. Returns an error unless the exit code is 0.
func (s *Server) Stop() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.stop()
}

// Kill ends the server as a crash does.
func (s *Server) Kill() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.process != nil {
		s.process.Kill()
		s.process = nil
	}
}

// Address is where the server listens, as host and port.
func (s *Server) Address() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.address + ":" + ServerPort
}

// Ready asks /readyz, as a kubelet's probe does.
func (s *Server) Ready() bool {
	client := insecureClient(nil)
	client.Timeout = time.Second
	return client.Expect("https://"+s.probed.Load().(string)+"/readyz", nil, 200) == nil
}

// Running tells whether the process is there.
func (s *Server) Running() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.process != nil && s.process.Running()
}

func (s *Server) start() error {
	arguments := append([]string{"start", "--host", s.address, "--port", ServerPort, "--namespace", Namespace,
		"--service-name", ServiceName, "--ssl-certfile", Path("serving.crt"), "--ssl-keyfile", Path("serving.key")},
		s.Args...)
	process, err := Start(s.Name, []string{"KUBERNETES_SERVICE_HOST=" + APIServerAddress,
		"KUBERNETES_SERVICE_PORT=" + APIServerPort}, Program(), arguments...)
	if err != nil {
		return err
	}
	s.process = process
	client := insecureClient(nil)
	err = Wait(20*time.Second, 50*time.Millisecond, func() error {
		if !process.Running() {
			return Final(fmt.Errorf("the server has ended, see %s.log", s.Name))
		}
		return client.Expect("https://"+s.address+":"+ServerPort+"/livez", nil, 200)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return nil
}

func (s *Server) stop() error {
	if s.process == nil {
		return nil
	}
	err := s.process.Stop(40 * time.Second)
	s.process = nil
	return err
}
