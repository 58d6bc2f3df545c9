package lab

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// secretsDir is where a pod finds its service account; in the sandbox every process finds the server's there.
const secretsDir = "/run/secrets/kubernetes.io/serviceaccount"

// ServerAccount is the service account of the MiniCluster's pods.
const ServerAccount = "flux-metrics-api"

// Token makes a bearer token of a service account, as a kubelet does for a pod.
func (c *ControlPlane) Token(namespace, account string) (string, error) {
	hour := int64(3600 * 4)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &hour}}
	answer, err := c.Client.CoreV1().ServiceAccounts(namespace).
		CreateToken(context.Background(), account, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("no token for %s/%s: %w", namespace, account, err)
	}
	return answer.Status.Token, nil
}

// mountAccount puts the server's service account where a pod has it.
func (l *Lab) mountAccount() error {
	token, err := l.Token(Namespace, ServerAccount)
	if err != nil {
		return err
	}
	authority := l.Credentials.Cluster.PEM
	for name, content := range map[string][]byte{
		"token": []byte(token), "ca.crt": authority, "namespace": []byte(Namespace)} {
		if err := replaceFile(secretsDir+"/"+name, content); err != nil {
			return err
		}
	}
	return nil
}
