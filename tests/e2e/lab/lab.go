// Package lab is a Kubernetes control plane with a MiniCluster in it, in namespaces of the test's own: the API
// server, the controllers and the scheduler are Kubernetes' own; the kubelets, the operator and Flux stand in.
package lab

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Lab is everything that the tests act on.
type Lab struct {
	*ControlPlane
	Kubelet   *Kubelet
	Serving   *Authority // signs the servers' certificates
	manifests embed.FS
	mutex     sync.Mutex
	troubles  []string
	stop      context.CancelFunc
}

// Open starts the control plane and the stand-ins, with the article's namespace and the MiniCluster's kind in place.
func Open(manifests embed.FS) (*Lab, error) {
	if err := os.MkdirAll(LogDir(), 0o755); err != nil {
		return nil, err
	}
	if err := Furnish(); err != nil {
		return nil, err
	}
	plane, err := StartControlPlane()
	if err != nil {
		return nil, err
	}
	kubelet, err := newKubelet(plane)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	lab := &Lab{ControlPlane: plane, Kubelet: kubelet, manifests: manifests, stop: stop}
	if err := lab.furnish(ctx); err != nil {
		return nil, err
	}
	if err := plane.StartControllers(); err != nil {
		return nil, err
	}
	go lab.Kubelet.Run(ctx, lab.complain)
	return lab, lab.startOperator(ctx)
}

func (l *Lab) furnish(ctx context.Context) error {
	if err := l.Kubelet.AddNodes(ctx); err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}}
	if _, err := l.Client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return err
	}
	for _, name := range []string{"minicluster-crd.yaml", "rbac.yaml"} {
		if err := l.Apply(name); err != nil {
			return err
		}
	}
	err := Wait(20*time.Second, 100*time.Millisecond, l.mountAccount) // kube-system may be late
	if err != nil {
		return err
	}
	if l.Serving, err = NewAuthority("e2e-serving-ca"); err != nil {
		return err
	}
	return l.IssueServing(l.Serving)
}

// IssueServing replaces the servers' certificate by a new one.
func (l *Lab) IssueServing(authority *Authority) error {
	name := ServiceName + "." + Namespace + ".svc"
	pair, err := authority.Issue(Subject{Name: name, Hosts: []string{name}})
	if err != nil {
		return err
	}
	return WritePair("serving", pair)
}

// Manifest is the text of a file in manifests/, else of one that users get: in deploy/.
func (l *Lab) Manifest(name string) (string, error) {
	content, err := l.manifests.ReadFile(filepath.Join("manifests", name))
	if errors.Is(err, fs.ErrNotExist) {
		content, err = os.ReadFile(filepath.Join("..", "..", "deploy", name))
	}
	return string(content), err
}

// Apply gives a manifest to kubectl, with pairs of words replaced.
func (l *Lab) Apply(name string, replacements ...string) error {
	text, err := l.Manifest(name)
	if err != nil {
		return err
	}
	return l.ApplyText(strings.NewReplacer(replacements...).Replace(text))
}

// ApplyText gives YAML to kubectl.
func (l *Lab) ApplyText(text string) error {
	_, err := l.KubectlInput(text, "apply", "-f", "-")
	return err
}

func (l *Lab) complain(err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.troubles) < 20 {
		l.troubles = append(l.troubles, err.Error())
	}
}

// Troubles are the complaints of the stand-ins and the control plane's processes that have ended.
func (l *Lab) Troubles() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	troubles := append([]string(nil), l.troubles...)
	for _, name := range l.Ended() {
		troubles = append(troubles, fmt.Sprintf("%s has ended, see %s/%s.log", name, LogDir(), name))
	}
	return troubles
}

// Close stops the stand-ins; the processes end with the sandbox.
func (l *Lab) Close() { l.stop() }
