package lab

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Client asks a server directly, past the aggregator.
type Client struct{ *http.Client }

// insecureClient does not look at the server's certificate; it shows its own when it has one.
func insecureClient(own *Pair) *Client {
	config := &tls.Config{InsecureSkipVerify: true} // the test looks at the answers, not at the server's name
	if own != nil {
		pair, err := tls.X509KeyPair(own.Certificate, own.Key)
		if err != nil {
			panic(err) // this program has just made it
		}
		// Shown whatever authorities the server names, as the aggregator does.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, DisableKeepAlives: true}
	return &Client{&http.Client{Transport: transport, Timeout: 20 * time.Second}}
}

// NewClient makes a client with a certificate, or with none.
func NewClient(own *Pair) *Client { return insecureClient(own) }

// Answer is what a server said.
type Answer struct {
	Code   int
	Header http.Header
	Body   string
}

// Ask sends a GET with the given headers.
func (c *Client) Ask(url string, header http.Header) (Answer, error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return Answer{}, err
	}
	return c.send(request, header)
}

func (c *Client) send(request *http.Request, header http.Header) (Answer, error) {
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := c.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return Answer{response.StatusCode, response.Header, string(body)}, err
}

// Post sends a POST with the given headers and body.
func (c *Client) Post(url string, header http.Header, body string) (Answer, error) {
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	return c.send(request, header)
}

// Expect is no error when the answer has the code.
func (c *Client) Expect(url string, header http.Header, code int) error {
	answer, err := c.Ask(url, header)
	if err != nil {
		return err
	}
	if answer.Code != code {
		return fmt.Errorf("%s answered %d: %.300s", url, answer.Code, answer.Body)
	}
	return nil
}
