package lab

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// MiniClusters is the resource that the operator looks after.
var MiniClusters = schema.GroupVersionResource{Group: "flux-framework.org", Version: "v1alpha2", Resource: "miniclusters"}

// OperatorName is the user that the operator is to the API server, and the name of its log.
const OperatorName = "flux-operator"

// operatorVariable names the program of a real Flux operator to use in place of the stand-in.
const operatorVariable = "FLUX_METRICS_E2E_OPERATOR"

// Operator stands in for the Flux operator, as its commit 0d75cef8 was seen to behave. It is a controller of the usual
// kind: what it knows comes from watches and may be old, events start a look at a MiniCluster, and each look asks for
// another one, 5 ms later, then 10, and so on up to 1000 s.
type Operator struct {
	client    kubernetes.Interface
	dynamic   dynamic.Interface
	clusters  cache.SharedIndexInformer
	watches   informers.SharedInformerFactory
	clusterOf dynamicinformer.DynamicSharedInformerFactory
	queue     workqueue.TypedRateLimitingInterface[types.NamespacedName]
	log       *log.Logger
}

// startOperator starts the real operator where one is given, else the stand-in.
func (l *Lab) startOperator(ctx context.Context) error {
	if program := os.Getenv(operatorVariable); program != "" {
		return l.run(OperatorName, program, "--kubeconfig="+Path(OperatorName+".kubeconfig"),
			"--metrics-bind-address=127.0.0.1:18080", "--health-probe-bind-address=127.0.0.1:18081")
	}
	operator, err := newOperator()
	if err != nil {
		return err
	}
	go operator.run(ctx, l.complain)
	return nil
}

func newOperator() (*Operator, error) {
	file, err := os.Create(filepath.Join(LogDir(), OperatorName+".log"))
	if err != nil {
		return nil, err
	}
	config := clientConfig(OperatorName)
	o := &Operator{log: log.New(file, "", log.LstdFlags|log.Lmicroseconds|log.LUTC)}
	if o.client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	if o.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	o.queue = workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[types.NamespacedName]())
	o.clusterOf = dynamicinformer.NewDynamicSharedInformerFactory(o.dynamic, 0)
	o.watches = informers.NewSharedInformerFactory(o.client, 0)
	o.clusters = o.clusterOf.ForResource(MiniClusters).Informer()
	if err := o.follow(o.clusters, nameOf); err != nil {
		return nil, err
	}
	for _, owned := range []cache.SharedIndexInformer{o.watches.Batch().V1().Jobs().Informer(),
		o.watches.Core().V1().Services().Informer(), o.watches.Core().V1().ConfigMaps().Informer()} {
		if err := o.follow(owned, ownerOf); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// follow looks at the MiniCluster that an object is, or belongs to, whenever the object changes.
func (o *Operator) follow(informer cache.SharedIndexInformer, cluster func(metav1.Object) (types.NamespacedName, bool)) error {
	enqueue := func(object any) {
		if gone, is := object.(cache.DeletedFinalStateUnknown); is {
			object = gone.Obj
		}
		if meta, is := object.(metav1.Object); is {
			if key, has := cluster(meta); has {
				o.queue.Add(key)
			}
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: enqueue, UpdateFunc: func(_, object any) { enqueue(object) }, DeleteFunc: enqueue})
	return err
}

func nameOf(object metav1.Object) (types.NamespacedName, bool) {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}, true
}

func ownerOf(object metav1.Object) (types.NamespacedName, bool) {
	owner := metav1.GetControllerOf(object)
	if owner == nil || owner.Kind != "MiniCluster" {
		return types.NamespacedName{}, false
	}
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: owner.Name}, true
}

// run works until the context ends.
func (o *Operator) run(ctx context.Context, complain func(error)) {
	o.clusterOf.Start(ctx.Done())
	o.watches.Start(ctx.Done())
	o.clusterOf.WaitForCacheSync(ctx.Done())
	o.watches.WaitForCacheSync(ctx.Done())
	go func() {
		<-ctx.Done()
		o.queue.ShutDown()
	}()
	for {
		key, down := o.queue.Get()
		if down {
			return
		}
		again, err := o.reconcile(ctx, key)
		if err != nil {
			o.log.Printf("%s: %v", key, err)
			if ctx.Err() == nil && !foreseen(err) {
				complain(fmt.Errorf("operator: %s: %w", key, err))
			}
		}
		// Errors wait as long as everything else, and nothing but a look that wants no other one resets the delay.
		if again || err != nil {
			o.queue.AddRateLimited(key)
		} else {
			o.queue.Forget(key)
		}
		o.queue.Done(key)
	}
}

// foreseen errors are what the real operator runs into as well: its knowledge is older than the API server's, or a pod
// cannot be labelled.
func foreseen(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsNotFound(err) || apierrors.IsAlreadyExists(err) || apierrors.IsInvalid(err) ||
		apierrors.HasStatusCause(err, "NamespaceTerminating")
}
