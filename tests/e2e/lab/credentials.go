package lab

import (
	"crypto/x509"
	"encoding/pem"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// APIServer is where kube-apiserver listens in the sandbox, as a client in a pod sees it.
const (
	APIServerAddress = "10.0.0.1"
	APIServerPort    = "6443"
	APIServerURL     = "https://" + APIServerAddress + ":" + APIServerPort
)

// Credentials are the authorities of a control plane, and the files that it was started with.
type Credentials struct {
	Cluster    *Authority // signs servers and clients
	FrontProxy *Authority // signs the aggregator's client certificate
}

// FrontProxyName is the name in the aggregator's client certificate that servers are told to accept.
const FrontProxyName = "front-proxy-client"

func newCredentials() (*Credentials, error) {
	cluster, err := NewAuthority("e2e-cluster-ca")
	if err != nil {
		return nil, err
	}
	front, err := NewAuthority("e2e-front-proxy-ca")
	if err != nil {
		return nil, err
	}
	credentials := &Credentials{Cluster: cluster, FrontProxy: front}
	return credentials, credentials.write()
}

func (c *Credentials) write() error {
	for name, authority := range map[string]*Authority{
		"ca.crt": c.Cluster, "client-ca.crt": c.Cluster, "front-proxy-ca.crt": c.FrontProxy} {
		if _, err := WriteFile(name, authority.PEM); err != nil {
			return err
		}
	}
	issue := []struct {
		file      string
		authority *Authority
		subject   Subject
	}{
		{"apiserver", c.Cluster, Subject{Name: "kube-apiserver", Hosts: []string{
			"127.0.0.1", APIServerAddress, "10.96.0.1", "localhost", "kubernetes", "kubernetes.default.svc"}}},
		{"front-proxy", c.FrontProxy, Subject{Name: FrontProxyName}},
		{"admin", c.Cluster, Subject{Name: "admin", Organizations: []string{"system:masters"}}},
		{OperatorName, c.Cluster, Subject{Name: OperatorName, Organizations: []string{"system:masters"}}},
		{"controller-manager", c.Cluster, Subject{Name: "system:kube-controller-manager"}},
		{"scheduler", c.Cluster, Subject{Name: "system:kube-scheduler"}},
	}
	for _, one := range issue {
		pair, err := one.authority.Issue(one.subject)
		if err != nil {
			return err
		}
		if err := WritePair(one.file, pair); err != nil {
			return err
		}
	}
	key, keyPEM, err := newKey()
	if err != nil {
		return err
	}
	if _, err := WriteFile("service-account.key", keyPEM); err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	_, err = WriteFile("service-account.pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return err
}

// writeKubeconfig writes NAME.kubeconfig for the client certificate of that name and returns its path.
func writeKubeconfig(name string) (string, error) {
	user := &clientcmdapi.AuthInfo{ClientCertificate: Path(name + ".crt"), ClientKey: Path(name + ".key")}
	return saveKubeconfig(name, user)
}

// WriteTokenKubeconfig writes NAME.kubeconfig for a bearer token and returns its path.
func WriteTokenKubeconfig(name, token string) (string, error) {
	return saveKubeconfig(name, &clientcmdapi.AuthInfo{Token: token})
}

func saveKubeconfig(name string, user *clientcmdapi.AuthInfo) (string, error) {
	config := clientcmdapi.NewConfig()
	config.Clusters["e2e"] = &clientcmdapi.Cluster{Server: APIServerURL, CertificateAuthority: Path("ca.crt")}
	config.AuthInfos[name] = user
	config.Contexts["e2e"] = &clientcmdapi.Context{Cluster: "e2e", AuthInfo: name}
	config.CurrentContext = "e2e"
	content, err := clientcmd.Write(*config)
	if err != nil {
		return "", err
	}
	return WriteFile(name+".kubeconfig", content)
}

// clientConfig is how a part of the test program talks to the API server: by the client certificate of that name.
func clientConfig(name string) *rest.Config {
	return &rest.Config{
		Host: APIServerURL,
		TLSClientConfig: rest.TLSClientConfig{
			CAFile: Path("ca.crt"), CertFile: Path(name + ".crt"), KeyFile: Path(name + ".key")},
		QPS: 500, Burst: 1000,
	}
}
