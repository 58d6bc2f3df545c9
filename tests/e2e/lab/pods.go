package lab

import (
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// nodeNames are the machines of the cluster, big enough for every pod that the tests make.
var nodeNames = []string{"node-0", "node-1"}

func nodeOf(name string) *corev1.Node {
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("64"),
		corev1.ResourceMemory: resource.MustParse("64Gi"),
		corev1.ResourcePods:   resource.MustParse("100"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/hostname": name}},
		Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: capacity,
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "E2E"}},
		},
	}
}

// Pod is what a workload may know of its pod.
type Pod struct {
	Namespace string
	Name      string
	Cluster   string // the MiniCluster that it belongs to; "" for others
	Index     int    // its completion index; -1 for others
	Address   string
	Arguments []string // of its first container
}

// workloadName is by what a pod's workload is found: the usual label for an application's name, which the operator
// gives a MiniCluster's pods as well.
func workloadName(pod *corev1.Pod) string { return pod.Labels["app.kubernetes.io/name"] }

func describe(pod *corev1.Pod, address string) Pod {
	index := -1
	if text, has := pod.Annotations[batchv1.JobCompletionIndexAnnotation]; has {
		if number, err := strconv.Atoi(text); err == nil {
			index = number
		}
	}
	return Pod{Namespace: pod.Namespace, Name: pod.Name, Cluster: pod.Labels["hpa-selector"], Index: index,
		Address: address, Arguments: pod.Spec.Containers[0].Args}
}

// runningStatus is what a kubelet reports of a pod whose container runs.
func runningStatus(pod *corev1.Pod, address string, ready bool) corev1.PodStatus {
	now := metav1.Now()
	status := *pod.Status.DeepCopy()
	status.Phase = corev1.PodRunning
	status.PodIP, status.PodIPs = address, []corev1.PodIP{{IP: address}}
	status.HostIP, status.HostIPs = APIServerAddress, []corev1.HostIP{{IP: APIServerAddress}}
	if status.StartTime == nil {
		status.StartTime = &now
	}
	verdict := corev1.ConditionFalse
	if ready {
		verdict = corev1.ConditionTrue
	}
	set := func(kind corev1.PodConditionType, value corev1.ConditionStatus) {
		for i := range status.Conditions {
			if status.Conditions[i].Type == kind {
				if status.Conditions[i].Status != value {
					status.Conditions[i].Status, status.Conditions[i].LastTransitionTime = value, now
				}
				return
			}
		}
		status.Conditions = append(status.Conditions,
			corev1.PodCondition{Type: kind, Status: value, LastTransitionTime: now})
	}
	set(corev1.PodInitialized, corev1.ConditionTrue)
	set(corev1.ContainersReady, verdict)
	set(corev1.PodReady, verdict)
	status.ContainerStatuses = nil
	for _, container := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, ImageID: container.Image, Ready: ready,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: *status.StartTime}},
		})
	}
	return status
}
