package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"fluxmetrics.test/e2e/lab"
)

// These cases hold for the stand-in and for the real operator (docs/e2e.md): they are what the stand-in is checked by.

func (w *world) scale(t *testing.T, cluster string, to int) {
	t.Helper()
	_, err := w.Kubectl("scale", "minicluster", cluster, "-n", lab.Namespace, fmt.Sprintf("--replicas=%d", to))
	must(t, err)
}

func (w *world) patch(t *testing.T, cluster, change string) {
	t.Helper()
	_, err := w.Kubectl("patch", "minicluster", cluster, "-n", lab.Namespace, "--type=merge", "-p", change)
	must(t, err)
}

// statusNumber is a number in the MiniCluster's status; 0 when it is not there.
func (w *world) statusNumber(cluster, field string) (int, error) {
	object, err := w.Dynamic.Resource(lab.MiniClusters).Namespace(lab.Namespace).
		Get(context.Background(), cluster, metav1.GetOptions{})
	if err != nil {
		return 0, err
	}
	number, _, err := unstructured.NestedInt64(object.Object, "status", field)
	return int(number), err
}

func (w *world) expectStatus(cluster, field string, want int) error {
	number, err := w.statusNumber(cluster, field)
	if err == nil && number != want {
		err = fmt.Errorf("status.%s of %s is %d, not %d", field, cluster, number, want)
	}
	return err
}

// runsAt is no error when the Job has the size; whatever spec.size says, so many pods there will be.
func (w *world) runsAt(cluster string, want int) error {
	job, err := w.Client.BatchV1().Jobs(lab.Namespace).Get(context.Background(), cluster, metav1.GetOptions{})
	if err == nil && (*job.Spec.Parallelism != int32(want) || *job.Spec.Completions != int32(want)) {
		err = fmt.Errorf("the Job %s has parallelism %d and completions %d, not %d", cluster, *job.Spec.Parallelism,
			*job.Spec.Completions, want)
	}
	return err
}

// ignored is no error while spec.size keeps a size that neither the Job nor the pods follow.
func (w *world) ignored(cluster string, size, present int) error {
	if err := w.holds(cluster, size); err != nil {
		return err
	}
	if err := w.runsAt(cluster, present); err != nil {
		return err
	}
	return w.readyPods(cluster, present)
}

// externalMetric asks for 2 nodes, divided by the target.
func externalMetric(target string) string {
	return `{type: External, external: {metric: {name: node_up_count}, target: {type: AverageValue, averageValue: ` + target + `}}}`
}

// With a size of 0, below minSize or above maxSize the operator does nothing: the number stays in spec.size, the pods
// stay, and an HPA takes that for its success. A negative size does not pass the API server.
func testOperatorIgnoresSizes(t *testing.T, w *world) {
	const name = "ignored"
	w.makeMiniClusterOf(t, name, 3, `"minSize":2,"maxSize":4`)
	t.Cleanup(func() { w.deleteMiniCluster(t, name) })
	for _, size := range []int{0, 1, 5} {
		w.scale(t, name, size)
		must(t, lab.Hold(2*time.Second, 200*time.Millisecond, func() error { return w.ignored(name, size, 3) }))
	}
	_, err := w.Kubectl("patch", "minicluster", name, "-n", lab.Namespace, "--type=merge", "-p", `{"spec":{"size":-1}}`)
	must(t, contains(fmt.Sprint(err), "should be a non-negative integer"))
	must(t, w.expectStatus(name, "size", 0)) // none was applied so far
	w.scale(t, name, 4)
	w.becomes(t, name, 4, 30*time.Second)
	eventually(t, 10*time.Second, func() error { return w.expectStatus(name, "size", 4) })

	w.hpa(t, hpaText(name, name, 2, 9, externalMetric("250m")), name)
	eventually(t, 30*time.Second, func() error {
		hpa, err := w.getHPA(name)
		if err != nil {
			return err
		}
		if hpa.Status.CurrentReplicas != 8 || hpa.Status.DesiredReplicas != 8 {
			return fmt.Errorf("the HPA is at %d and wants %d", hpa.Status.CurrentReplicas, hpa.Status.DesiredReplicas)
		}
		return w.condition(name, autoscalingv2.AbleToScale, "True", "ReadyForNewScale")
	})
	must(t, lab.Hold(3*time.Second, 200*time.Millisecond, func() error { return w.ignored(name, 8, 4) }))
	told := w.explain(t, name)
	must(t, told.fault("max-above-maxsize"))
	must(t, told.fault("size-ignored"))
}

// The largest size that a MiniCluster was made with stays the largest: when maxSize is raised later, a larger size is
// taken back to it, and so far the pods follow. An HPA sets it again and again.
func testOperatorClampsToFirstMaximum(t *testing.T, w *world) {
	const name = "clamped"
	w.makeMiniCluster(t, name, 2, 3)
	t.Cleanup(func() { w.deleteMiniCluster(t, name) })
	eventually(t, 10*time.Second, func() error { return w.expectStatus(name, "maximumSize", 3) })
	w.patch(t, name, `{"spec":{"maxSize":6}}`)
	w.scale(t, name, 5)
	w.becomes(t, name, 3, 30*time.Second)
	eventually(t, 10*time.Second, func() error { return w.expectStatus(name, "size", 3) })
	must(t, w.runsAt(name, 3))
	must(t, w.expectStatus(name, "maximumSize", 3))

	w.hpa(t, hpaText(name, name, 2, 6, externalMetric("350m")), name)
	eventually(t, 30*time.Second, func() error {
		rescales, err := w.rescales(name)
		if err == nil && rescales < 3 {
			err = fmt.Errorf("the HPA has set its size %d times", rescales)
		}
		return err
	})
	must(t, w.runsAt(name, 3))
	must(t, w.explain(t, name).fault("max-above-maximumsize"))
}

// rescales is how often an HPA has set a size, by its events.
func (w *world) rescales(hpa string) (int, error) {
	events, err := w.Client.CoreV1().Events(lab.Namespace).List(context.Background(),
		metav1.ListOptions{FieldSelector: "reason=SuccessfulRescale,involvedObject.name=" + hpa})
	if err != nil {
		return 0, err
	}
	count := 0
	for _, event := range events.Items {
		count += int(max(event.Count, 1))
	}
	return count, nil
}

// The operator writes the whole status, once, by the version that it has read. When somebody writes to the MiniCluster
// at the time of a resize, status.size, and the scale with it, stay wrong until the next one.
func testOperatorLeavesStatusStale(t *testing.T, w *world) {
	const name = "stale"
	w.makeMiniCluster(t, name, 1, 4)
	t.Cleanup(func() { w.deleteMiniCluster(t, name) })
	w.scale(t, name, 2)
	w.becomes(t, name, 2, 30*time.Second)
	eventually(t, 10*time.Second, func() error { return w.expectStatus(name, "size", 2) })
	stale := func(size, before int) error {
		rest := w.annotateConstantly(name)
		w.scale(t, name, size)
		eventually(t, 20*time.Second, func() error { return w.runsAt(name, size) })
		rest()
		return lab.Hold(3*time.Second, 200*time.Millisecond, func() error { return w.expectStatus(name, "size", before) })
	}
	if err := stale(3, 2); err != nil { // a write that came through between two others
		time.Sleep(time.Second)
		must(t, stale(4, 3))
		w.scale(t, name, 3)
	} else {
		w.scale(t, name, 4)
	}
	eventually(t, 20*time.Second, func() error {
		size, err := w.size(name)
		if err != nil {
			return err
		}
		return w.expectStatus(name, "size", size)
	})
}

// annotateConstantly writes an annotation as fast as the API server takes it, until the function that it returns is
// called.
func (w *world) annotateConstantly(cluster string) func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for count := 0; ctx.Err() == nil; count++ {
			_, _ = w.Dynamic.Resource(lab.MiniClusters).Namespace(lab.Namespace).Patch(ctx, cluster, types.MergePatchType,
				fmt.Appendf(nil, `{"metadata":{"annotations":{"e2e.test/count":"%d"}}}`, count), metav1.PatchOptions{})
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// What the operator makes of a MiniCluster, and the label job-index, which it gives to every pod of the namespace: from
// its name, so that it is right for the MiniCluster's pods only. A pod without any label stands in the way of others.
func testOperatorLabels(t *testing.T, w *world) {
	const namespace, name = "labelled", "labels"
	ctx := context.Background()
	must(t, w.ApplyText(`{apiVersion: v1, kind: Namespace, metadata: {name: labelled}}`))
	t.Cleanup(func() { must(t, w.Client.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})) })
	must(t, w.ApplyText(strings.Replace(miniClusterText(name, 2, `"maxSize":3`), lab.Namespace, namespace, 1)))
	pod := func(selector string) (*corev1.Pod, error) {
		list, err := w.Client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if err == nil && len(list.Items) != 1 {
			err = fmt.Errorf("%d pods have %s", len(list.Items), selector)
		}
		if err != nil {
			return nil, err
		}
		return &list.Items[0], nil
	}
	for index := range 2 {
		eventually(t, 30*time.Second, func() error {
			found, err := pod(fmt.Sprintf("app=flux-operator,app.kubernetes.io/name=labels,namespace=labelled,hpa-selector=labels,"+
				"job-name=labels,batch.kubernetes.io/job-completion-index=%d,job-index=%d", index, index))
			if err != nil {
				return err
			}
			spec := found.Spec
			if spec.Hostname != fmt.Sprintf("labels-%d", index) || spec.Subdomain != name ||
				spec.RestartPolicy != corev1.RestartPolicyOnFailure || *spec.TerminationGracePeriodSeconds != 30 {
				return lab.Final(fmt.Errorf("the pod is %s.%s, restarts %s, grace %d", spec.Hostname, spec.Subdomain,
					spec.RestartPolicy, *spec.TerminationGracePeriodSeconds))
			}
			return nil
		})
	}
	service, err := w.Client.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	must(t, err)
	if service.Spec.ClusterIP != corev1.ClusterIPNone || service.Spec.Selector["job-name"] != name {
		t.Errorf("the Service is %+v", service.Spec)
	}

	w.makePod(t, namespace, "web-7d9-abc", map[string]string{"app": "web"})
	w.makePod(t, namespace, "bare", nil)
	wake := func() {
		_, err := w.Kubectl("annotate", "minicluster", name, "-n", namespace, "--overwrite",
			fmt.Sprintf("e2e.test/wake=%d", time.Now().UnixNano()))
		must(t, err)
	}
	_, err = w.Kubectl("scale", "minicluster", name, "-n", namespace, "--replicas=3")
	must(t, err)
	third := "hpa-selector=labels,batch.kubernetes.io/job-completion-index=2"
	eventually(t, 30*time.Second, func() error { _, err := pod(third); return err })
	wake()
	must(t, lab.Hold(3*time.Second, 200*time.Millisecond, func() error { _, err := pod(third + ",!job-index"); return err }))
	must(t, w.Client.CoreV1().Pods(namespace).Delete(ctx, "bare", *metav1.NewDeleteOptions(0)))
	wake()
	eventually(t, 10*time.Second, func() error { _, err := pod(third + ",job-index=2"); return err })
	eventually(t, 10*time.Second, func() error { _, err := pod("app=web,job-index=web"); return err })
}

func (w *world) makePod(t *testing.T, namespace, name string, labels map[string]string) {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: labels},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "e2e.invalid/none"}}}}
	eventually(t, 20*time.Second, func() error { // the namespace's service account may be late
		_, err := w.Client.CoreV1().Pods(namespace).Create(context.Background(), pod, metav1.CreateOptions{})
		return err
	})
}
