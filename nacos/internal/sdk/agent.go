// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	answerMost = 8 << 20 // bytes of an answer that are read; a list of 10,000 instances has about 3 MB
	quoteMost  = 200     // bytes of an answer that an error repeats
)

// agent is the SDK's way out over HTTP: login and address server. In its place the SDK's own would verify no
// certificate when no CA file is named, and would keep to itself that a login was refused.
type agent struct {
	client *http.Client

	mu    sync.Mutex
	token string
	login error // of the last login; nil also before the first
}

func newAgent(config *tls.Config) *agent {
	transport := cloneTransport(http.DefaultTransport)
	transport.TLSClientConfig = config.Clone()
	return &agent{client: &http.Client{Transport: transport}}
}

// cloneTransport makes one with net/http's own settings where the program has put something else in its place, for
// tracing perhaps.
func cloneTransport(base http.RoundTripper) *http.Transport {
	if t, ok := base.(*http.Transport); ok {
		return t.Clone()
	}
	return &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second}
}

func (a *agent) close() { a.client.CloseIdleConnections() }

// credentials are what the last login has brought.
func (a *agent) credentials() (token string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.token, a.login
}

func (a *agent) Get(path string, h http.Header, ms uint64, params map[string]string) (*http.Response, error) {
	return a.Request(http.MethodGet, path, h, ms, params)
}

func (a *agent) Post(path string, h http.Header, ms uint64, params map[string]string) (*http.Response, error) {
	return a.Request(http.MethodPost, path, h, ms, params)
}

func (a *agent) Put(path string, h http.Header, ms uint64, params map[string]string) (*http.Response, error) {
	return a.Request(http.MethodPut, path, h, ms, params)
}

func (a *agent) Delete(path string, h http.Header, ms uint64, params map[string]string) (*http.Response, error) {
	return a.Request(http.MethodDelete, path, h, ms, params)
}

// RequestOnlyResult returns the body of a 200 and nothing otherwise, as the SDK wants it.
func (a *agent) RequestOnlyResult(method, path string, h http.Header, ms uint64, params map[string]string) string {
	resp, err := a.Request(method, path, h, ms, params)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}

// Request returns an answer whose body is already in memory.
func (a *agent) Request(method, path string, h http.Header, ms uint64, params map[string]string) (*http.Response, error) {
	values := url.Values{}
	for k, v := range params {
		values.Set(k, v)
	}
	var body io.Reader
	if method == http.MethodPost || method == http.MethodPut {
		body = strings.NewReader(values.Encode())
	} else if len(values) > 0 {
		path += "?" + values.Encode()
	}
	req, err := http.NewRequest(method, path, body)
	if err != nil {
		return nil, err
	}
	for k, vs := range h { // the SDK writes keys in its own spelling
		req.Header[http.CanonicalHeaderKey(k)] = vs
	}
	timeout := time.Duration(ms) * time.Millisecond
	if method == http.MethodPost && strings.HasSuffix(path, loginPath) {
		return a.logIn(req, timeout)
	}
	return a.do(req, timeout)
}

func (a *agent) do(req *http.Request, timeout time.Duration) (*http.Response, error) {
	client := *a.client
	client.Timeout = timeout
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerMost))
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
