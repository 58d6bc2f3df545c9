package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// MiniClusters is the resource that the operator looks after.
var MiniClusters = schema.GroupVersionResource{Group: "flux-framework.org", Version: "v1alpha2", Resource: "miniclusters"}

// Operator stands in for the Flux operator: it makes an elastic Indexed Job of each MiniCluster, lets the Job follow
// the size, and puts back a size that is below 1 or above the largest. The status has the size 0 until the first resize.
type Operator struct {
	plane *ControlPlane
}

// Run works until the context ends.
func (o *Operator) Run(ctx context.Context, complain func(error)) {
	for ctx.Err() == nil {
		list, err := o.plane.Dynamic.Resource(MiniClusters).List(ctx, metav1.ListOptions{})
		if err == nil {
			for i := range list.Items {
				if err := o.reconcile(ctx, &list.Items[i]); err != nil && ctx.Err() == nil && !apierrors.IsConflict(err) {
					complain(fmt.Errorf("operator: %s: %w", list.Items[i].GetName(), err))
				}
			}
		} else if ctx.Err() == nil {
			complain(fmt.Errorf("operator: %w", err))
		}
		pause(ctx, 200*time.Millisecond)
	}
}

func (o *Operator) reconcile(ctx context.Context, cluster *unstructured.Unstructured) error {
	if cluster.GetDeletionTimestamp() != nil {
		return nil // the garbage collector removes the Job
	}
	jobs := o.plane.Client.BatchV1().Jobs(cluster.GetNamespace())
	size, _, _ := unstructured.NestedInt64(cluster.Object, "spec", "size")
	job, err := jobs.Get(ctx, cluster.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		if _, err := jobs.Create(ctx, jobOf(cluster, int32(size)), metav1.CreateOptions{}); err != nil {
			return err
		}
		return o.patch(ctx, cluster, "status", map[string]any{"selector": selectorOf(cluster.GetName())})
	}
	if err != nil {
		return err
	}
	largest, limited, _ := unstructured.NestedInt64(cluster.Object, "spec", "maxSize")
	present := int64(*job.Spec.Parallelism)
	switch {
	case size < 1:
		return o.patch(ctx, cluster, "spec", map[string]any{"size": present})
	case limited && size > largest:
		return o.patch(ctx, cluster, "spec", map[string]any{"size": largest})
	case size == present:
		return nil
	}
	change := fmt.Sprintf(`{"spec":{"parallelism":%d,"completions":%d}}`, size, size)
	if _, err := jobs.Patch(ctx, job.Name, types.MergePatchType, []byte(change), metav1.PatchOptions{}); err != nil {
		return err
	}
	return o.patch(ctx, cluster, "status", map[string]any{"size": size})
}

func (o *Operator) patch(ctx context.Context, cluster *unstructured.Unstructured, part string, values map[string]any) error {
	body, err := json.Marshal(map[string]any{part: values})
	if err != nil {
		return err
	}
	var subresources []string
	if part == "status" {
		subresources = append(subresources, "status")
	}
	_, err = o.plane.Dynamic.Resource(MiniClusters).Namespace(cluster.GetNamespace()).
		Patch(ctx, cluster.GetName(), types.MergePatchType, body, metav1.PatchOptions{}, subresources...)
	return err
}

func selectorOf(name string) string { return "hpa-selector=" + name }

func jobOf(cluster *unstructured.Unstructured, size int32) *batchv1.Job {
	indexed, retries := batchv1.IndexedCompletion, int32(100)
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Name: cluster.GetName(), Namespace: cluster.GetNamespace(),
			OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(cluster, MiniClusters.GroupVersion().WithKind("MiniCluster"))},
		},
		Spec: batchv1.JobSpec{
			CompletionMode: &indexed, Parallelism: &size, Completions: &size, BackoffLimit: &retries,
			Template: podTemplate(cluster.GetName()),
		},
	}
}

func pause(ctx context.Context, span time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(span):
	}
}
