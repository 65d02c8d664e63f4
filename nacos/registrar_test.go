// SPDX-License-Identifier: Apache-2.0

package nacos_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// patience is for what takes a second or two on a quiet machine.
const patience = 20 * time.Second

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func newRegistrar(t *testing.T, registry *nacostest.Server, inst nacos.Instance) *nacos.Registrar {
	t.Helper()
	return newRegistrarWith(t, nacos.Config{Servers: []string{registry.Addr()}}, inst)
}

// registered registers r.
func registered(t *testing.T, r *nacos.Registrar) *nacos.Registrar {
	t.Helper()
	if err := r.Register(within(t, patience), listener); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	return r
}

func newRegistrarWith(t *testing.T, cfg nacos.Config, inst nacos.Instance) *nacos.Registrar {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(withoutSDK{slog.NewTextHandler(t.Output(), nil)})
	}
	r, err := nacos.New(cfg, inst)
	if err != nil {
		t.Fatalf("New(%+v, %+v) = %v, want nil", cfg, inst, err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	})
	return r
}

var listener = &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 9090}

const ours = "10.0.0.7:9090"

// published returns what the registry has under our address.
func published(t *testing.T, registry *nacostest.Server, service, addr string) (nacostest.Instance, bool) {
	t.Helper()
	for _, i := range registry.Instances(service) {
		if i.Addr() == addr {
			return i, true
		}
	}
	return nacostest.Instance{}, false
}

func wantListed(t *testing.T, registry *nacostest.Server, service, addr string) nacostest.Instance {
	t.Helper()
	i, ok := published(t, registry, service, addr)
	if !ok || !i.Listed {
		t.Errorf("Instances(%q) = %+v, want %s listed", service, registry.Instances(service), addr)
	}
	return i
}

func wantAbsent(t *testing.T, registry *nacostest.Server, service, addr string) {
	t.Helper()
	if i, ok := published(t, registry, service, addr); ok {
		t.Errorf("Instances(%q) has %+v, want it absent", service, i)
	}
}

func TestRegisterThenDeregisterThenAgain(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	r := newRegistrar(t, registry, nacos.Instance{Service: "orders", Weight: 3, Metadata: map[string]string{"zone": "a"}})
	for range 2 {
		if err := r.Register(within(t, patience), listener); err != nil {
			t.Fatalf("Register() = %v, want nil", err)
		}
		i := wantListed(t, registry, "orders", ours)
		if i.Weight != 3 || i.Metadata["zone"] != "a" || i.Cluster != "DEFAULT" || !i.Healthy {
			t.Errorf("listed as %+v, want weight 3, zone a, cluster DEFAULT, healthy", i)
		}
		if err := r.Deregister(within(t, patience)); err != nil {
			t.Fatalf("Deregister() = %v, want nil", err)
		}
		wantAbsent(t, registry, "orders", ours)
		began := time.Now()
		if err := r.Deregister(within(t, patience)); err != nil {
			t.Fatalf("second Deregister() = %v, want nil", err)
		}
		if d := time.Since(began); d > time.Second {
			t.Errorf("second Deregister() took %v, want no time", d)
		}
	}
}

func TestCloseRemoves(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	r := registered(t, newRegistrar(t, registry, nacos.Instance{Service: "orders"}))
	if err := r.Close(); err != nil {
		t.Errorf("Close() = %v, want nil", err)
	}
	eventually(t, "the instance is gone", func() bool { return len(registry.Instances("orders")) == 0 })
	for name, err := range map[string]error{
		"Register":   r.Register(t.Context(), listener),
		"Deregister": r.Deregister(t.Context()),
		"Update":     r.Update(t.Context(), nil, 1),
		"Watch":      r.Watch(t.Context(), func(bool) {}),
	} {
		if !errors.Is(err, nacos.ErrClosed) {
			t.Errorf("%s() after Close = %v, want ErrClosed", name, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Errorf("second Close() = %v, want nil", err)
	}
}

// eventually polls what only the registry knows.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

// watch collects what Watch reports.
func watch(t *testing.T, r *nacos.Registrar) <-chan bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	got, done := make(chan bool, 100), make(chan struct{})
	go func() {
		defer close(done)
		_ = r.Watch(ctx, func(online bool) { got <- online })
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return got
}

func wantReport(t *testing.T, from <-chan bool, want bool) {
	t.Helper()
	select {
	case online := <-from:
		if online != want {
			t.Fatalf("Watch reported %v, want %v", online, want)
		}
	case <-time.After(patience):
		t.Fatalf("Watch reported nothing in %v, want %v", patience, want)
	}
}

func wantSilence(t *testing.T, from <-chan bool) {
	t.Helper()
	select {
	case online := <-from:
		t.Errorf("Watch reported %v, want nothing", online)
	default:
	}
}

func TestOperatorsOfflineAndOnline(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	r := registered(t, newRegistrar(t, registry, nacos.Instance{Service: "orders"}))
	reports := watch(t, r)
	wantReport(t, reports, true)

	registry.SetEnabled("orders", ours, false)
	began := time.Now()
	wantReport(t, reports, false)
	if d := time.Since(began); d < nacos.Grace+nacos.ProbeWait {
		t.Errorf("reported offline after %v, want the grace and the probe first", d)
	}
	if i, ok := published(t, registry, "orders", ours); !ok || i.Enabled {
		t.Errorf("published as %+v, %v, want registered and disabled", i, ok)
	}
	registry.SetEnabled("orders", ours, true)
	wantReport(t, reports, true)

	registry.SetEnabled("orders", ours, false)
	wantReport(t, reports, false)
	began = time.Now()
	if err := r.Deregister(within(t, patience)); err != nil {
		t.Errorf("Deregister() while held offline = %v, want nil", err)
	}
	if d := time.Since(began); d > time.Second {
		t.Errorf("Deregister() while held offline took %v, want no time", d)
	}
	wantAbsent(t, registry, "orders", ours)

	// The operator's flag outlives the instance for a minute.
	if err := r.Register(within(t, patience), listener); err != nil {
		t.Fatalf("Register() while held offline = %v, want nil", err)
	}
	wantReport(t, reports, false)
	registry.SetEnabled("orders", ours, true)
	wantReport(t, reports, true)
}
