// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// The SDK would panic on some of these answers.
func TestLoginAnswers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		token  string
		login  bool // the error is ErrLogin
	}{
		"good":             {200, `{"accessToken":"abc","tokenTtl":18000}`, "abc", false},
		"refused":          {403, "unknown user!", "", true},
		"starting":         {503, "server is STARTING", "", false},
		"not JSON":         {200, "<html>", "", false},
		"no token":         {200, `{"tokenTtl":18000}`, "", false},
		"no lifetime":      {200, `{"accessToken":"abc"}`, "", false},
		"lifetime in text": {200, `{"accessToken":"abc","tokenTtl":"18000"}`, "", false},
		"token a number":   {200, `{"accessToken":1,"tokenTtl":18000}`, "", false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("password") != "p&w" || r.Method != http.MethodPost {
				t.Errorf("%s: %s with password %q, want POST with p&w", name, r.Method, r.FormValue("password"))
			}
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.body)
		}))
		a := newAgent(nil)
		resp, err := a.Post(server.URL+"/nacos"+loginPath, http.Header{"content-type": {"application/x-www-form-urlencoded"}}, 1000,
			map[string]string{"username": "u", "password": "p&w"})
		token, remembered := a.credentials()
		if (err == nil) != (test.token != "") || token != test.token || errors.Is(err, ErrLogin) != test.login || !errors.Is(remembered, err) {
			t.Errorf("%s: Post() = %v, token %q, remembered %v; want token %q, ErrLogin %v", name, err, token, remembered, test.token, test.login)
		}
		if err == nil {
			if body, _ := io.ReadAll(resp.Body); string(body) != test.body {
				t.Errorf("%s: body %q for the SDK, want %q", name, body, test.body)
			}
		}
		a.close()
		server.Close()
	}
}

// A 500 may be a refusal: 3.0.3 answers every failed login so, 2.5.1 that of an unknown user. One login that was good
// shows that it is not.
func TestRefusedLoginThatIsA500(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body  string
		list  int  // what the open list answers
		good  bool // a login was good before
		login bool // the error is ErrLogin
		asked int
	}{
		"3.0.3":                  {"Handle API Compatibility failed", 500, false, true, 3},
		"2.5.1, unknown user":    {"caused: User nobody not found;", 500, false, true, 3},
		"another text, well":     {"no", 403, false, true, 3},
		"another text, not well": {"no", 500, false, false, 3},
		"after a good one":       {"caused: User nobody not found;", 200, true, false, 1},
	} {
		asked, good := 0, test.good
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case !strings.HasSuffix(r.URL.Path, loginPath):
				w.WriteHeader(test.list)
			case r.FormValue("username") != "nobody":
				t.Errorf("%s: username %q, want it each time", name, r.FormValue("username"))
			case good:
				good = false
				io.WriteString(w, `{"accessToken":"abc","tokenTtl":18000}`)
			default:
				asked++
				w.WriteHeader(http.StatusInternalServerError)
				io.WriteString(w, test.body)
			}
		}))
		a := newAgent(nil)
		post := func() error {
			_, err := a.Post(server.URL+"/nacos"+loginPath, http.Header{"content-type": {"application/x-www-form-urlencoded"}}, 1000,
				map[string]string{"username": "nobody", "password": "p"})
			return err
		}
		if test.good {
			if err := post(); err != nil {
				t.Errorf("%s: first Post() = %v, want nil", name, err)
			}
		}
		if err := post(); err == nil || errors.Is(err, ErrLogin) != test.login || asked != test.asked {
			t.Errorf("%s: Post() = %v after %d answers; want ErrLogin: %t, after %d", name, err, asked, test.login, test.asked)
		}
		a.close()
		server.Close()
	}
}

func TestCloneTransportThatTheProgramHasWrapped(t *testing.T) {
	t.Parallel()
	wrapped := struct{ http.RoundTripper }{http.DefaultTransport}
	if c := cloneTransport(wrapped); c == nil || c.Proxy == nil {
		t.Errorf("cloneTransport() of a wrapped transport = %+v, want one that honours proxies", c)
	}
	if c := cloneTransport(http.DefaultTransport); c == http.DefaultTransport {
		t.Error("cloneTransport() = http.DefaultTransport itself, want a clone")
	}
}

func TestListNeedsTheToken(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t, nacostest.Options{Auth: &nacostest.Auth{Username: "u", Password: "p"}})
	in := connect(t, Config{Servers: []string{registry.Addr()}, Username: "u", Password: "p"})
	next(t, lists(t, in, "orders"), 0)
	if _, err := in.List(t.Context(), "orders", DefaultGroup); err != nil {
		t.Errorf("List() with a login = %v, want nil", err)
	}
	out := connect(t, Config{Servers: []string{registry.Addr()}, Username: "u", Password: "wrong"})
	if err := out.Register(t.Context(), "orders", DefaultGroup, us); !errors.Is(err, ErrRefused) || !errors.Is(err, ErrLogin) {
		t.Errorf("Register() with a wrong login = %v, want ErrRefused and ErrLogin", err)
	}
	err := out.Subscribe(t.Context(), "orders", DefaultGroup, func([]Instance) {})
	if !errors.Is(err, ErrRefused) {
		t.Errorf("Subscribe() with a wrong login = %v, want ErrRefused", err)
	}
	if _, err := out.List(t.Context(), "orders", DefaultGroup); !errors.Is(err, ErrNoOpinion) || !strings.Contains(err.Error(), "403") {
		t.Errorf("List() with a wrong login = %v, want ErrNoOpinion about a 403", err)
	}
}

// A 3.x may have switched its older paths off.
func TestListWithoutV1(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t, nacostest.Options{WithoutV1: true})
	if _, err := registry.Publish("orders", "10.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	settings, err := Prepare(Config{Servers: []string{registry.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	c := settings.NewClient()
	defer c.Close(t.Context())
	list, err := c.List(t.Context(), "orders", "")
	if err != nil || len(list) != 1 || list[0].Ip != "10.0.0.1" || list[0].Port != 1 || list[0].ClusterName != DefaultCluster {
		t.Errorf("List() = %+v, %v; want the instance", list, err)
	}
}

func TestNamespaceMissing(t *testing.T) {
	t.Parallel()
	for namespace, test := range map[string]struct {
		opts nacostest.Options
		want bool
	}{
		"":      {nacostest.Options{}, false},
		"dev":   {nacostest.Options{Namespaces: []string{"dev"}}, false},
		"devel": {nacostest.Options{Namespaces: []string{"dev"}}, true},
		"prod":  {nacostest.Options{WithoutV1: true}, false}, // nobody tells
	} {
		settings, err := Prepare(Config{Servers: []string{nacostest.Start(t, test.opts).Addr()}, Namespace: namespace})
		if err != nil {
			t.Fatal(err)
		}
		c := settings.NewClient()
		if got := c.NamespaceMissing(t.Context()); got != test.want {
			t.Errorf("NamespaceMissing() of %q = %t, want %t", namespace, got, test.want)
		}
		c.Close(t.Context())
	}
}

func TestListOfTwoNodes(t *testing.T) {
	t.Parallel()
	a, b := nacostest.Start(t), nacostest.Start(t)
	c := connect(t, Config{Servers: []string{a.Addr(), closedPort(t), b.Addr()}})
	if _, err := b.Publish("orders", "10.0.0.7:9090"); err != nil {
		t.Fatal(err)
	}
	if l, err := c.List(t.Context(), "orders", DefaultGroup); err != nil || len(l) != 1 {
		t.Errorf("List() = %v, %v, want the instance that one of the nodes has", l, err)
	}
}

func TestContextPathAndAddressServer(t *testing.T) {
	t.Parallel()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		_, _ = io.WriteString(w, `{"hosts":[]}`)
	}))
	c := connect(t, Config{Servers: []string{server.Listener.Addr().String()}, Customize: func(p *vo.NacosClientParam) {
		p.ServerConfigs[0].ContextPath = "/registry"
	}})
	_, err := c.List(t.Context(), "orders", DefaultGroup)
	server.Close()
	if err != nil || len(asked) != 1 || asked[0] != "/registry/v1/ns/instance/list" {
		t.Errorf("List() = %v, asked for %v, want /registry/v1/ns/instance/list", err, asked)
	}

	registry := nacostest.Start(t)
	addresses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, registry.Addr()+"\n")
	}))
	defer addresses.Close()
	found := connect(t, Config{Customize: func(p *vo.NacosClientParam) {
		p.ClientConfig.Endpoint = strings.TrimPrefix(addresses.URL, "http://")
	}})
	next(t, lists(t, found, "orders"), 0)
	if _, err := found.List(t.Context(), "orders", DefaultGroup); !errors.Is(err, ErrNoOpinion) {
		t.Errorf("List() with an address server = %v, want ErrNoOpinion", err)
	}
}

func TestTLSIsVerified(t *testing.T) {
	t.Parallel()
	config, caFile, err := nacostest.NewTLS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	registry := nacostest.Start(t, nacostest.Options{TLS: config})
	for name, test := range map[string]struct {
		tls  TLS
		good bool
	}{
		"with its CA":       {TLS{CAFile: caFile}, true},
		"any certificate":   {TLS{SkipVerify: true}, true},
		"the system's only": {TLS{}, false},
	} {
		c := connect(t, Config{Servers: []string{registry.Addr()}, TLS: &test.tls})
		if _, err := c.List(t.Context(), "orders", DefaultGroup); (err == nil) != test.good {
			t.Errorf("%s: List() = %v, want success %v", name, err, test.good)
		}
	}
}
