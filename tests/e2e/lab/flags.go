package lab

import "path/filepath"

// auditPolicy lets kube-apiserver write down what the HPA controller reads of scales, and writes.
const auditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: RequestResponse
    users: ["system:serviceaccount:kube-system:horizontal-pod-autoscaler"]
    resources:
      - {group: flux-framework.org, resources: [miniclusters/scale]}
      - {group: autoscaling, resources: [horizontalpodautoscalers/status]}
  - level: None
`

// AuditLog is the file for that, a JSON object a line.
func AuditLog() string { return filepath.Join(LogDir(), "hpa-audit.log") }

func etcdFlags() []string {
	return []string{
		"--data-dir=" + Path("etcd"),
		"--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
		"--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380",
		"--initial-cluster=default=http://127.0.0.1:2380",
		"--unsafe-no-fsync", "--logger=zap", "--log-level=warn",
	}
}

func apiserverFlags() []string {
	return []string{
		"--etcd-servers=http://127.0.0.1:2379",
		"--bind-address=0.0.0.0", "--secure-port=" + APIServerPort, "--advertise-address=" + APIServerAddress,
		"--service-cluster-ip-range=10.96.0.0/16",
		"--tls-cert-file=" + Path("apiserver.crt"), "--tls-private-key-file=" + Path("apiserver.key"),
		"--client-ca-file=" + Path("client-ca.crt"),
		"--authorization-mode=RBAC",
		"--audit-policy-file=" + Path("audit-policy.yaml"), "--audit-log-path=" + AuditLog(),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + Path("service-account.pub"),
		"--service-account-signing-key-file=" + Path("service-account.key"),
		// What a cluster with aggregated API servers has. Routing to endpoints replaces kube-proxy.
		"--enable-aggregator-routing=true",
		"--requestheader-client-ca-file=" + Path("front-proxy-ca.crt"),
		"--requestheader-allowed-names=" + FrontProxyName,
		"--requestheader-username-headers=X-Remote-User", "--requestheader-uid-headers=X-Remote-Uid",
		"--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + Path("front-proxy.crt"), "--proxy-client-key-file=" + Path("front-proxy.key"),
	}
}

func controllerManagerFlags() []string {
	return []string{
		"--kubeconfig=" + Path("controller-manager.kubeconfig"),
		"--authentication-kubeconfig=" + Path("controller-manager.kubeconfig"),
		"--authorization-kubeconfig=" + Path("controller-manager.kubeconfig"),
		"--bind-address=127.0.0.1", "--leader-elect=false",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + Path("service-account.key"), "--root-ca-file=" + Path("ca.crt"),
		// The lab's nodes have no kubelet that renews a lease, and no cloud.
		"--controllers=*,-node-lifecycle-controller,-node-ipam-controller,-persistentvolume-attach-detach-controller," +
			"-taint-eviction-controller,-device-taint-eviction-controller",
		"--vmodule=horizontal=4", // what each sync proposed
		"--horizontal-pod-autoscaler-sync-period=" + HPASync.String(),
		"--horizontal-pod-autoscaler-downscale-stabilization=5s",
		"--horizontal-pod-autoscaler-cpu-initialization-period=1s",
		"--horizontal-pod-autoscaler-initial-readiness-delay=1s",
	}
}

func schedulerFlags() []string {
	return []string{
		"--kubeconfig=" + Path("scheduler.kubeconfig"),
		"--authentication-kubeconfig=" + Path("scheduler.kubeconfig"),
		"--authorization-kubeconfig=" + Path("scheduler.kubeconfig"),
		"--bind-address=127.0.0.1", "--leader-elect=false",
	}
}
