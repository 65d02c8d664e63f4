// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The SDK reconnects in these tests, which is a data race inside nacos-sdk-go v2.3.5: RpcClient.currentConnection
// (nacos-sdk-go#905, mended by nacos-sdk-go#887, which is in no release).

package nacos_test

import (
	"errors"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A fault may make us absent, for long even. None of them is an operator.
var faults = map[string]func(t *testing.T, registry *nacostest.Server){
	"restart, memory lost": func(t *testing.T, registry *nacostest.Server) {
		must(t, registry.Restart(0))
	},
	"restart, the list has others and not us": func(t *testing.T, registry *nacostest.Server) {
		registry.SlowRegister("orders", ours, 600*time.Millisecond)
		must(t, registry.Restart(0))
		_, err := registry.Publish("orders", "10.0.0.9:1")
		must(t, err)
	},
	"outage of 20 s": func(t *testing.T, registry *nacostest.Server) {
		must(t, registry.Restart(20*time.Second))
	},
	"restart, accepts 8 s before it serves": func(t *testing.T, registry *nacostest.Server) {
		registry.ServeAfter(8 * time.Second)
		must(t, registry.Restart(0))
	},
	"restart, the SDK's redo is refused": func(t *testing.T, registry *nacostest.Server) {
		registry.FailNext(nacostest.Forbidden, 1, nacostest.Register)
		must(t, registry.Restart(0))
	},
	"restart, the SDK's redo and our probe fail": func(t *testing.T, registry *nacostest.Server) {
		registry.FailNext(nacostest.ErrorResponse, 6, nacostest.Register)
		must(t, registry.Restart(0))
	},
	"restart, the clock is 10 s behind": func(t *testing.T, registry *nacostest.Server) {
		registry.SkewClock(-10 * time.Second)
		must(t, registry.Restart(0))
	},
	"connection closed": func(t *testing.T, registry *nacostest.Server) {
		registry.DropConnections(nacostest.Closed)
	},
	"connection half-open": func(t *testing.T, registry *nacostest.Server) {
		registry.DropConnections(nacostest.HalfOpen)
		eventually(t, "the registry has noticed", func() bool { return len(registry.Instances("orders")) == 0 })
	},
	"frozen for 12 s": func(t *testing.T, registry *nacostest.Server) {
		registry.Freeze()
		time.Sleep(12 * time.Second)
		registry.Thaw()
	},
}

func TestNoFalseOffline(t *testing.T) {
	t.Parallel()
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := nacostest.Start(t, nacostest.Options{Idle: 3 * time.Second, Detection: time.Second})
			r := registered(t, newRegistrar(t, registry, nacos.Instance{Service: "orders"}))
			reports := watch(t, r)
			wantReport(t, reports, true)
			fault(t, registry)
			eventually(t, "listed again, with one owner", func() bool {
				i, ok := published(t, registry, "orders", ours)
				return ok && i.Listed && i.Owners == 1 && registry.Connections() == 1
			})
			// Whatever the machine has begun about the absence comes to its end.
			time.Sleep(nacos.Grace + nacos.ProbeWait + 2*nacos.ConfirmWait)
			wantSilence(t, reports)
			wantListed(t, registry, "orders", ours)
			if err := r.Deregister(within(t, patience)); err != nil {
				t.Errorf("Deregister() afterwards = %v, want nil", err)
			}
			wantAbsent(t, registry, "orders", ours)
		})
	}
}

// The SDK's redo is refused for the old token, and it leaves it at that until the token's time is up, hours later.
func TestRegistryForgetsTheLogin(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t, nacostest.Options{Auth: login})
	r := newRegistrarWith(t, nacos.Config{Servers: []string{registry.Addr()}, Username: "nacos", Password: "secret"},
		nacos.Instance{Service: "orders"})
	r.CheckEvery(2 * time.Second)
	must(t, r.Register(within(t, patience), listener))
	reports := watch(t, r)
	wantReport(t, reports, true)
	registry.ExpireTokens()
	must(t, registry.Restart(0))
	eventually(t, "listed again, with one owner", func() bool {
		i, ok := published(t, registry, "orders", ours)
		return ok && i.Listed && i.Owners == 1 && registry.Connections() == 1
	})
	wantSilence(t, reports)
	if err := r.Deregister(within(t, patience)); err != nil {
		t.Errorf("Deregister() = %v, want nil", err)
	}
}

func TestNoFalseOnline(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	r := registered(t, newRegistrar(t, registry, nacos.Instance{Service: "orders"}))
	reports := watch(t, r)
	wantReport(t, reports, true)
	registry.SetEnabled("orders", ours, false)
	wantReport(t, reports, false)
	for _, fault := range []func(){
		func() { registry.DropConnections(nacostest.Closed) },
		func() { must(t, registry.Restart(time.Second)) }, // the flag is kept on disk
	} {
		fault()
		eventually(t, "registered again", func() bool {
			_, ok := published(t, registry, "orders", ours)
			return ok && registry.Connections() == 1
		})
		time.Sleep(2 * time.Second)
		wantSilence(t, reports)
	}
	registry.SetEnabled("orders", ours, true)
	wantReport(t, reports, true)
}

func TestRegistryDownAtStart(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	registry.Kill()
	r := newRegistrar(t, registry, nacos.Instance{Service: "orders"})
	if err := r.Register(within(t, time.Second), listener); err == nil {
		t.Error("Register() without a registry = nil, want an error")
	}
	done := make(chan error, 1)
	go func() { done <- r.Register(within(t, patience), listener) }()
	time.Sleep(3 * time.Second)
	must(t, registry.Revive())
	if err := <-done; err != nil {
		t.Fatalf("Register() = %v, want nil when the registry is back", err)
	}
	i := wantListed(t, registry, "orders", ours)
	if n := registry.Connections(); n != 1 || i.Owners != 1 {
		t.Errorf("%d connections, %d owners, want one of each: what Register gave up before must be gone", n, i.Owners)
	}
}

func TestDeregisterWhileTheRegistryIsAway(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct{ begin, end func(*nacostest.Server) error }{
		"killed": {func(s *nacostest.Server) error { s.Kill(); return nil }, (*nacostest.Server).Revive},
		"frozen": {func(s *nacostest.Server) error { s.Freeze(); return nil }, func(s *nacostest.Server) error { s.Thaw(); return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := nacostest.Start(t)
			r := registered(t, newRegistrar(t, registry, nacos.Instance{Service: "orders"}))
			must(t, fault.begin(registry))
			err := r.Deregister(within(t, 5*time.Second))
			if !errors.Is(err, nacos.ErrUnconfirmed) {
				t.Errorf("Deregister() = %v, want ErrUnconfirmed", err)
			}
			must(t, fault.end(registry))
			eventually(t, "connected again", func() bool { return registry.Connections() == 1 })
			time.Sleep(2 * time.Second) // it must not come back by the SDK's redo
			wantAbsent(t, registry, "orders", ours)
		})
	}
}
