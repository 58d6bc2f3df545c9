package lab

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Workload is what runs in pods. Its functions are called by the kubelet, one at a time for a pod.
type Workload interface {
	Start(pod Pod) error
	Ready(pod Pod) bool
	// Terminate is SIGTERM: true when the containers end by it. Otherwise they run on until the grace period is over.
	Terminate(pod Pod) bool
	// Stop is SIGKILL; what has ended already may be stopped, too.
	Stop(pod Pod)
}

// Idle is a workload that does nothing.
type Idle struct{}

// Start does nothing.
func (Idle) Start(Pod) error { return nil }

// Ready is always true.
func (Idle) Ready(Pod) bool { return true }

// Terminate ends every pod but a MiniCluster's: process 1 of those is a shell, which ignores SIGTERM.
func (Idle) Terminate(pod Pod) bool { return pod.Cluster == "" }

// Stop does nothing.
func (Idle) Stop(Pod) {}

// ShortGrace is how long a pod that ignores SIGTERM is left alone: 30 s is usual, less here so that tests are quick.
const ShortGrace = 2 * time.Second

// Kubelet stands in for the kubelets of all nodes: a pod that was bound to a node gets an address of the sandbox, its
// workload is started, and its status tells; a pod that is being deleted runs on for its grace period, if it wants to.
type Kubelet struct {
	plane     *ControlPlane
	mutex     sync.Mutex
	workloads map[string]Workload // by workloadName
	grace     time.Duration       // at most
	pods      map[types.UID]*heldPod
	addresses map[string]bool
	log       *log.Logger
}

// failuresToUnready is how many probes in a row must fail, as many as Kubernetes' default: on a busy machine a single
// one says little.
const failuresToUnready = 3

type heldPod struct {
	pod      Pod
	workload Workload
	ready    bool
	failures int
	deadline time.Time // when it is killed; zero while nobody has deleted it
}

// probe asks the workload once and gives the verdict.
func (h *heldPod) probe() bool {
	if h.workload.Ready(h.pod) {
		h.failures = 0
		return true
	}
	h.failures++
	return h.ready && h.failures < failuresToUnready
}

func newKubelet(plane *ControlPlane) (*Kubelet, error) {
	file, err := os.Create(filepath.Join(LogDir(), "kubelet.log"))
	if err != nil {
		return nil, err
	}
	return &Kubelet{plane: plane, workloads: map[string]Workload{}, grace: ShortGrace,
		pods: map[types.UID]*heldPod{}, addresses: map[string]bool{}, log: log.New(file, "", log.LstdFlags|log.Lmicroseconds|log.LUTC)}, nil
}

func (k *Kubelet) note(format string, arguments ...any) { k.log.Printf(format, arguments...) }

// Assign says what runs in the pods of a MiniCluster, or of an application, that is made afterwards. Others are idle.
func (k *Kubelet) Assign(name string, workload Workload) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.workloads[name] = workload
}

// SetGrace shortens the grace period of all pods that are deleted afterwards to at most this.
func (k *Kubelet) SetGrace(grace time.Duration) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.grace = grace
}

// AddNodes makes the nodes, without the taint that only a node lifecycle controller would take away.
func (k *Kubelet) AddNodes(ctx context.Context) error {
	nodes := k.plane.Client.CoreV1().Nodes()
	for _, name := range nodeNames {
		node := nodeOf(name)
		if _, err := nodes.Create(ctx, node, metav1.CreateOptions{}); err != nil {
			return err
		}
		untaint := []byte(`{"spec":{"taints":null}}`)
		if _, err := nodes.Patch(ctx, name, types.MergePatchType, untaint, metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// Run works until the context ends.
func (k *Kubelet) Run(ctx context.Context, complain func(error)) {
	for ctx.Err() == nil {
		list, err := k.plane.Client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
		if err == nil {
			k.forget(list.Items)
			for i := range list.Items {
				if err := k.sync(ctx, &list.Items[i]); err != nil && ctx.Err() == nil && !apierrors.IsConflict(err) &&
					!apierrors.IsNotFound(err) {
					complain(fmt.Errorf("kubelet: %s: %w", list.Items[i].Name, err))
				}
			}
		} else if ctx.Err() == nil {
			complain(fmt.Errorf("kubelet: %w", err))
		}
		pause(ctx, 100*time.Millisecond)
	}
}

func (k *Kubelet) sync(ctx context.Context, pod *corev1.Pod) error {
	if pod.Spec.NodeName == "" {
		if pod.DeletionTimestamp != nil {
			return k.remove(ctx, pod)
		}
		return nil
	}
	held := k.pods[pod.UID]
	switch {
	case pod.DeletionTimestamp != nil && (held == nil || k.ends(pod, held)):
		return k.end(ctx, pod, held)
	case pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded:
		return nil
	case held == nil:
		return k.begin(ctx, pod)
	}
	if ready := held.probe(); ready != held.ready {
		k.note("%s: ready %v", pod.Name, ready)
		if err := k.report(ctx, pod, runningStatus(pod, held.pod.Address, ready)); err != nil {
			return err
		}
		held.ready = ready
	}
	return nil
}

func (k *Kubelet) begin(ctx context.Context, pod *corev1.Pod) error {
	address, err := k.takeAddress()
	if err != nil {
		return err
	}
	k.mutex.Lock()
	workload, known := k.workloads[workloadName(pod)]
	k.mutex.Unlock()
	if !known {
		workload = Idle{}
	}
	held := &heldPod{pod: describe(pod, address), workload: workload}
	if err := workload.Start(held.pod); err != nil {
		k.giveAddress(address)
		return err
	}
	k.pods[pod.UID] = held
	held.ready = held.probe()
	k.note("%s: runs on %s, ready %v", pod.Name, address, held.ready)
	err = k.report(ctx, pod, runningStatus(pod, address, held.ready))
	if err != nil {
		held.ready = !held.ready // report again
	}
	return err
}

// ends tells whether a pod that is being deleted has had its grace period, or needs none.
func (k *Kubelet) ends(pod *corev1.Pod, held *heldPod) bool {
	if held.deadline.IsZero() {
		k.mutex.Lock()
		grace := k.grace
		k.mutex.Unlock()
		if asked := pod.DeletionGracePeriodSeconds; asked != nil {
			grace = min(grace, time.Duration(*asked)*time.Second)
		}
		if held.workload.Terminate(held.pod) {
			grace = 0
		}
		held.deadline = time.Now().Add(grace)
		k.note("%s: is being deleted, ends within %s", pod.Name, grace)
	}
	return !time.Now().Before(held.deadline)
}

// forget stops what runs in pods that are gone: whoever deletes one by force does not wait for a kubelet.
func (k *Kubelet) forget(present []corev1.Pod) {
	left := map[types.UID]bool{}
	for i := range present {
		left[present[i].UID] = true
	}
	for uid, held := range k.pods {
		if !left[uid] {
			k.stop(uid, held)
		}
	}
}

func (k *Kubelet) stop(uid types.UID, held *heldPod) {
	k.note("%s: is killed", held.pod.Name)
	held.workload.Stop(held.pod)
	k.giveAddress(held.pod.Address)
	delete(k.pods, uid)
}

func (k *Kubelet) end(ctx context.Context, pod *corev1.Pod, held *heldPod) error {
	if held != nil {
		k.stop(pod.UID, held)
	}
	if pod.Status.Phase != corev1.PodFailed {
		status := *pod.Status.DeepCopy()
		status.Phase, status.Reason = corev1.PodFailed, "Terminated"
		for i := range status.Conditions {
			if status.Conditions[i].Type == corev1.PodReady || status.Conditions[i].Type == corev1.ContainersReady {
				status.Conditions[i].Status = corev1.ConditionFalse
			}
		}
		if err := k.report(ctx, pod, status); err != nil {
			return err
		}
	}
	return k.remove(ctx, pod)
}

func (k *Kubelet) remove(ctx context.Context, pod *corev1.Pod) error {
	now := int64(0)
	return k.plane.Client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &pod.UID}})
}

func (k *Kubelet) report(ctx context.Context, pod *corev1.Pod, status corev1.PodStatus) error {
	changed := pod.DeepCopy()
	changed.Status = status
	_, err := k.plane.Client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	return err
}

// takeAddress gives the lowest free address of the pod network; the first is 10.244.0.10.
func (k *Kubelet) takeAddress() (string, error) {
	for host := 10; host < 250; host++ {
		address := fmt.Sprintf("10.244.0.%d", host)
		if !k.addresses[address] {
			k.addresses[address] = true
			return address, AddAddress(address)
		}
	}
	return "", fmt.Errorf("all pod addresses are taken")
}

func (k *Kubelet) giveAddress(address string) {
	delete(k.addresses, address)
	_ = RemoveAddress(address)
}
