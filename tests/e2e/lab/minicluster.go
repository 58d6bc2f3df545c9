package lab

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// miniCluster is what the operator reads of a MiniCluster, and writes.
type miniCluster struct {
	object *unstructured.Unstructured
	Spec   miniClusterSpec
	Status miniClusterStatus
}

type miniClusterSpec struct {
	Size            int32 `json:"size"`
	MinSize         int32 `json:"minSize"`
	MaxSize         int32 `json:"maxSize"`
	DeadlineSeconds int64 `json:"deadlineSeconds"`
	Containers      []struct {
		Image     string                      `json:"image"`
		Resources corev1.ResourceRequirements `json:"resources"`
	} `json:"containers"`
}

type miniClusterStatus struct {
	Size        int32              `json:"size"` // 0 until the first resize
	Selector    string             `json:"selector"`
	Jobid       string             `json:"jobid"` // never used
	MaximumSize int32              `json:"maximumSize"`
	Conditions  []metav1.Condition `json:"conditions,omitempty"`
}

func readMiniCluster(object *unstructured.Unstructured) (*miniCluster, error) {
	cluster := &miniCluster{}
	return cluster, cluster.read(object)
}

func (c *miniCluster) read(object *unstructured.Unstructured) error {
	var content struct {
		Spec   miniClusterSpec   `json:"spec"`
		Status miniClusterStatus `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &content); err != nil {
		return fmt.Errorf("%s is no MiniCluster: %w", object.GetName(), err)
	}
	*c = miniCluster{object: object, Spec: content.Spec, Status: content.Status}
	return nil
}

// write puts the status into the object, for an update.
func (c *miniCluster) write() error {
	status, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&c.Status)
	if err != nil {
		return err
	}
	c.object.Object["status"] = status
	return nil
}

func (c *miniCluster) name() string { return c.object.GetName() }

// ignores says why nothing is done for a MiniCluster as it is; "" when something is.
func (c *miniCluster) ignores() string {
	size, least, most := c.Spec.Size, c.Spec.MinSize, c.Spec.MaxSize
	switch {
	case size == 0:
		return "the size is 0"
	case most != 0 && most < size:
		return fmt.Sprintf("size %d is above maxSize %d", size, most)
	case least != 0 && most != 0 && least > most:
		return fmt.Sprintf("minSize %d is above maxSize %d", least, most)
	case least != 0 && least > size:
		return fmt.Sprintf("size %d is below minSize %d", size, least)
	case len(c.Spec.Containers) != 1: // the real operator knows more than one
		return fmt.Sprintf("there are %d containers", len(c.Spec.Containers))
	}
	return ""
}

const readyCondition = "JobMiniClusterReady"

// prepareStatus is for a new MiniCluster: its largest size is settled for good, and it is requested.
func (c *miniCluster) prepareStatus() {
	if c.Status.MaximumSize == 0 {
		c.Status.MaximumSize = max(c.Spec.Size, c.Spec.MaxSize)
	}
	if c.Status.Selector != "" {
		return
	}
	now := metav1.Now()
	c.Status.Conditions = nil
	for _, kind := range []string{"JobRequested", "JobWaitingForResources", "JobRunning", readyCondition, "JobFinished"} {
		status := metav1.ConditionFalse
		if kind == "JobRequested" {
			status = metav1.ConditionTrue
		}
		c.Status.Conditions = append(c.Status.Conditions,
			metav1.Condition{Type: kind, Reason: kind, Message: kind, Status: status, LastTransitionTime: now})
	}
}

// becomesReady is true when that condition was not True yet, and sets it: no pod was looked at.
func (c *miniCluster) becomesReady() bool {
	changed := false
	for i := range c.Status.Conditions {
		condition := &c.Status.Conditions[i]
		if condition.Type == readyCondition {
			changed = condition.Status != metav1.ConditionTrue
			condition.Status = metav1.ConditionTrue
		} else {
			condition.Status = metav1.ConditionFalse
		}
	}
	return changed
}

func (c *miniCluster) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: c.object.GetNamespace(), OwnerReferences: []metav1.OwnerReference{
		*metav1.NewControllerRef(c.object, MiniClusters.GroupVersion().WithKind("MiniCluster"))}}
}

func (c *miniCluster) entrypoints() *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: c.meta(c.name() + "-entrypoint")}
}

func (c *miniCluster) headlessService() *corev1.Service {
	return &corev1.Service{ObjectMeta: c.meta(c.name()), Spec: corev1.ServiceSpec{
		ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{"job-name": c.name()}}}
}

func (c *miniCluster) job() *batchv1.Job {
	indexed, retries, size := batchv1.IndexedCompletion, int32(100), c.Spec.Size
	return &batchv1.Job{
		ObjectMeta: c.meta(c.name()),
		Spec: batchv1.JobSpec{
			CompletionMode: &indexed, Parallelism: &size, Completions: &size, BackoffLimit: &retries,
			ActiveDeadlineSeconds: &c.Spec.DeadlineSeconds, Template: c.podTemplate(),
		},
	}
}

// podTemplate leaves the grace period at Kubernetes' 30 s.
func (c *miniCluster) podTemplate() corev1.PodTemplateSpec {
	no := false
	container := c.Spec.Containers[0]
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "flux-operator", "app.kubernetes.io/name": c.name(),
			"namespace": c.object.GetNamespace(), "hpa-selector": c.name()}},
		Spec: corev1.PodSpec{
			Subdomain: c.name(), RestartPolicy: corev1.RestartPolicyOnFailure, Affinity: c.affinity(),
			ShareProcessNamespace: &no, AutomountServiceAccountToken: &no, SetHostnameAsFQDN: &no,
			Containers: []corev1.Container{{
				Name: c.name(), Image: container.Image, Stdin: true, TTY: true, Resources: container.Resources}},
		},
	}
}

// affinity prefers one zone, and a node for each pod.
func (c *miniCluster) affinity() *corev1.Affinity {
	prefer := func(topology string) []corev1.WeightedPodAffinityTerm {
		return []corev1.WeightedPodAffinityTerm{{Weight: 100, PodAffinityTerm: corev1.PodAffinityTerm{
			TopologyKey: topology, LabelSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: "app.kubernetes.io/name", Operator: metav1.LabelSelectorOpIn, Values: []string{c.name()}}}}}}}
	}
	return &corev1.Affinity{
		PodAffinity: &corev1.PodAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: prefer("topology.kubernetes.io/zone")},
		PodAntiAffinity: &corev1.PodAntiAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: prefer("kubernetes.io/hostname")},
	}
}
