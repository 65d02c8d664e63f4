// SPDX-License-Identifier: Apache-2.0

package nacos_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

var login = &nacostest.Auth{Username: "nacos", Password: "secret"}

func TestLogin(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t, nacostest.Options{Auth: login})
	r := newRegistrarWith(t, nacos.Config{Servers: []string{registry.Addr()}, Username: "nacos", Password: "secret"},
		nacos.Instance{Service: "orders"})
	if err := r.Register(within(t, patience), listener); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	wantListed(t, registry, "orders", ours)
	// The second opinion needs the token.
	reports := watch(t, r)
	wantReport(t, reports, true)
	registry.SetEnabled("orders", ours, false)
	wantReport(t, reports, false)
	if err := r.Deregister(within(t, patience)); err != nil {
		t.Errorf("Deregister() = %v, want nil", err)
	}
}

// TestTokenIsRenewed: the SDK looks every 5 s whether its token is near its end, and the registry refuses an old one.
func TestTokenIsRenewed(t *testing.T) {
	t.Parallel()
	short := *login
	short.TokenTTL = 16 * time.Second // renewed after 15 s: the first look past nine tenths of it
	registry := nacostest.Start(t, nacostest.Options{Auth: &short})
	r := newRegistrarWith(t, nacos.Config{Servers: []string{registry.Addr()}, Username: "nacos", Password: "secret"},
		nacos.Instance{Service: "orders"})
	if err := r.Register(within(t, patience), listener); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	first := registry.Requests(nacostest.Login)
	eventually(t, "the token was renewed", func() bool { return registry.Requests(nacostest.Login) > first })
	time.Sleep(4 * time.Second) // the first token has ended
	if err := r.Update(within(t, patience), map[string]string{"zone": "b"}, 2); err != nil {
		t.Errorf("Update() with a renewed token = %v, want nil", err)
	}
	if err := r.Deregister(within(t, patience)); err != nil {
		t.Errorf("Deregister() with a renewed token = %v, want nil", err)
	}
}

func TestWrongLoginIsAnErrorAtOnce(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t, nacostest.Options{Auth: login})
	v30 := nacostest.Start(t, nacostest.Options{Auth: &nacostest.Auth{Username: "nacos", Password: "secret", Version: nacostest.V30}})
	for name, test := range map[string]struct {
		at             *nacostest.Server
		user, password string
	}{
		"wrong password":        {registry, "nacos", "wrong"},
		"unknown user":          {registry, "nobody", "secret"},
		"wrong password, 3.0.3": {v30, "nacos", "wrong"},
		"unknown user, 3.0.3":   {v30, "nobody", "secret"},
		"no login":              {registry, "", ""},
	} {
		cfg := nacos.Config{Servers: []string{test.at.Addr()}, Username: test.user, Password: test.password}
		password := test.password
		r := newRegistrarWith(t, cfg, nacos.Instance{Service: "orders"})
		began := time.Now()
		err := r.Register(within(t, patience), listener)
		if !errors.Is(err, nacos.ErrRefused) || time.Since(began) > 10*time.Second {
			t.Errorf("%s: Register() = %v after %v, want ErrRefused soon", name, err, time.Since(began))
		}
		if wrong := errors.Is(err, nacos.ErrLogin); wrong != (password != "") {
			t.Errorf("%s: Register() = %v, is ErrLogin %v", name, err, wrong)
		}
	}
	if left := registry.Instances("orders"); len(left) != 0 {
		t.Errorf("Instances() = %+v, want none: nothing is half registered", left)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	config, caFile, err := nacostest.NewTLS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	registry := nacostest.Start(t, nacostest.Options{Auth: login, TLS: config})
	cfg := nacos.Config{Servers: []string{registry.Addr()}, Username: "nacos", Password: "secret", TLS: &nacos.TLS{CAFile: caFile}}
	r := newRegistrarWith(t, cfg, nacos.Instance{Service: "orders"})
	if err := r.Register(within(t, patience), listener); err != nil {
		t.Fatalf("Register() over TLS = %v, want nil", err)
	}
	if err := r.Deregister(within(t, patience)); err != nil {
		t.Errorf("Deregister() over TLS = %v, want nil", err)
	}
	wantAbsent(t, registry, "orders", ours)

	// Already absent: the open list is read over TLS as well.
	if err := r.Deregister(within(t, patience)); err != nil {
		t.Errorf("second Deregister() over TLS = %v, want nil", err)
	}
}

func TestTwoPortsUnderOneService(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	a := newRegistrar(t, registry, nacos.Instance{Service: "orders", Addr: "10.0.0.7:1"})
	b := newRegistrar(t, registry, nacos.Instance{Service: "orders", Addr: "10.0.0.7:2"})
	for _, r := range []*nacos.Registrar{a, b} {
		if err := r.Register(within(t, patience), listener); err != nil {
			t.Fatalf("Register() = %v, want nil", err)
		}
	}
	wantListed(t, registry, "orders", "10.0.0.7:1")
	wantListed(t, registry, "orders", "10.0.0.7:2")
	if err := a.Deregister(within(t, patience)); err != nil {
		t.Errorf("Deregister() = %v, want nil", err)
	}
	wantAbsent(t, registry, "orders", "10.0.0.7:1")
	wantListed(t, registry, "orders", "10.0.0.7:2")
}

func TestNamespaceGroupCluster(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	r := newRegistrarWith(t, nacos.Config{Servers: []string{registry.Addr()}, Namespace: "staging"},
		nacos.Instance{Service: "orders", Group: "shop", Cluster: "east"})
	if err := r.Register(within(t, patience), listener); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	if i := wantListed(t, registry, "staging@@shop@@orders", ours); i.Cluster != "east" {
		t.Errorf("listed as %+v, want cluster east", i)
	}
	if err := r.Deregister(within(t, patience)); err != nil {
		t.Errorf("Deregister() = %v, want nil", err)
	}
	if err := r.Deregister(within(t, patience)); err != nil { // by the open list
		t.Errorf("second Deregister() = %v, want nil", err)
	}
}

func TestCustomizeCannotBreakTheConfirmation(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	r := newRegistrarWith(t, nacos.Config{Servers: []string{registry.Addr()}, Customize: func(p *vo.NacosClientParam) {
		p.ClientConfig.UpdateCacheWhenEmpty = false // then the last instance's absence would never be called back
		p.ClientConfig.AppName = "shop"
	}}, nacos.Instance{Service: "orders"})
	if err := r.Register(within(t, patience), listener); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	began := time.Now()
	if err := r.Deregister(within(t, patience)); err != nil || time.Since(began) > nacos.AbsenceWait {
		t.Errorf("Deregister() = %v after %v, want the first withdrawal confirmed", err, time.Since(began))
	}
}
