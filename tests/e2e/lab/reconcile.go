package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// reconcile is one look at a MiniCluster; true asks for another one. Order and omissions are the real operator's.
func (o *Operator) reconcile(ctx context.Context, key types.NamespacedName) (bool, error) {
	item, exists, err := o.clusters.GetStore().GetByKey(key.String())
	if err != nil || !exists {
		return false, err
	}
	cluster, err := readMiniCluster(item.(*unstructured.Unstructured).DeepCopy())
	if err != nil {
		return false, err
	}
	if ignored := cluster.ignores(); ignored != "" {
		o.log.Printf("%s: ignored: %s", key, ignored)
		return false, nil
	}
	cluster.prepareStatus()
	if err := o.ensureParts(ctx, cluster); err != nil {
		return false, err
	}
	job, err := o.ensureJob(ctx, cluster)
	if err != nil {
		return false, err
	}
	if *job.Spec.Parallelism != cluster.Spec.Size {
		if err := o.resize(ctx, cluster, job); err != nil {
			return false, err
		}
	}
	if selector := "hpa-selector=" + cluster.name(); cluster.Status.Selector != selector {
		cluster.Status.Selector = selector
		if err := o.updateStatus(ctx, cluster); err != nil {
			return false, err
		}
	}
	if err := o.labelPods(ctx, cluster); err != nil {
		return false, err
	}
	if cluster.becomesReady() {
		_ = o.updateStatus(ctx, cluster)
	}
	return true, nil
}

// ensureParts makes the ConfigMap with the entry points (without them here) and the headless Service.
func (o *Operator) ensureParts(ctx context.Context, cluster *miniCluster) error {
	namespace := cluster.object.GetNamespace()
	scripts := cluster.entrypoints()
	_, err := o.watches.Core().V1().ConfigMaps().Lister().ConfigMaps(namespace).Get(scripts.Name)
	if apierrors.IsNotFound(err) {
		_, err = o.client.CoreV1().ConfigMaps(namespace).Create(ctx, scripts, metav1.CreateOptions{})
	}
	if err != nil {
		return err
	}
	service := cluster.headlessService()
	_, err = o.watches.Core().V1().Services().Lister().Services(namespace).Get(service.Name)
	if apierrors.IsNotFound(err) {
		_, err = o.client.CoreV1().Services(namespace).Create(ctx, service, metav1.CreateOptions{})
	}
	return err
}

func (o *Operator) ensureJob(ctx context.Context, cluster *miniCluster) (*batchv1.Job, error) {
	namespace := cluster.object.GetNamespace()
	job, err := o.watches.Batch().V1().Jobs().Lister().Jobs(namespace).Get(cluster.name())
	if apierrors.IsNotFound(err) {
		return o.client.BatchV1().Jobs(namespace).Create(ctx, cluster.job(), metav1.CreateOptions{})
	}
	return job, err
}

// resize lets the Job follow the size. Above the largest size that the MiniCluster had at its creation, it only takes
// the size back to that one; the Job follows at the next look.
func (o *Operator) resize(ctx context.Context, cluster *miniCluster, job *batchv1.Job) error {
	namespace, size := cluster.object.GetNamespace(), cluster.Spec.Size
	if largest := cluster.Status.MaximumSize; size > largest {
		o.log.Printf("%s/%s: size %d denied, %d set", namespace, cluster.name(), size, largest)
		patched, err := o.dynamic.Resource(MiniClusters).Namespace(namespace).Patch(ctx, cluster.name(), types.MergePatchType,
			fmt.Appendf(nil, `{"spec":{"size":%d}}`, largest), metav1.PatchOptions{})
		if err != nil {
			return err
		}
		return cluster.read(patched)
	}
	o.log.Printf("%s/%s: size %d accepted, was %d", namespace, cluster.name(), size, *job.Spec.Parallelism)
	change := fmt.Appendf(nil, `{"spec":{"parallelism":%d,"completions":%d}}`, size, size)
	_, err := o.client.BatchV1().Jobs(namespace).Patch(ctx, job.Name, types.MergePatchType, change, metav1.PatchOptions{})
	// The status is written once, whole, and by the version that was read: when that is not the newest one any more, the
	// size in it stays wrong until the next resize.
	cluster.Status.Size = size
	if failure := o.updateStatus(ctx, cluster); failure != nil {
		o.log.Printf("%s/%s: the status is not written: %v", namespace, cluster.name(), failure)
	}
	return err
}

func (o *Operator) updateStatus(ctx context.Context, cluster *miniCluster) error {
	if err := cluster.write(); err != nil {
		return err
	}
	updated, err := o.dynamic.Resource(MiniClusters).Namespace(cluster.object.GetNamespace()).
		UpdateStatus(ctx, cluster.object, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	return cluster.read(updated)
}

// labelPods labels every pod of the namespace that has no job-index yet with what follows the MiniCluster's name in its
// own, or what its own begins with: right for the MiniCluster's pods only. A pod without any labels cannot be labelled,
// and keeps those after it from being labelled.
func (o *Operator) labelPods(ctx context.Context, cluster *miniCluster) error {
	pods := o.client.CoreV1().Pods(cluster.object.GetNamespace())
	list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "!job-index"})
	if err != nil {
		return err
	}
	for _, pod := range list.Items {
		index, _, _ := strings.Cut(strings.Replace(pod.Name, cluster.name()+"-", "", 1), "-")
		label, err := json.Marshal([]map[string]string{{"op": "add", "path": "/metadata/labels/job-index", "value": index}})
		if err != nil {
			return err
		}
		if _, err := pods.Patch(ctx, pod.Name, types.JSONPatchType, label, metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	return nil
}
