// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

func TestDeregisterEndsAProbe(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		p.registry.spoof()
		p.registry.set(func() { p.registry.frozen = true })
		time.Sleep(grace + time.Second) // the probe's registration hangs
		p.wantState(stateProbing)
		p.registry.set(func() { p.registry.frozen = false })
		if err := p.deregister(); err != nil {
			t.Errorf("Deregister() = %v, want nil", err)
		}
		time.Sleep(time.Hour)
		if p.listed() {
			t.Error("listed, want absent")
		}
	})
}

func TestCloseEndsARegister(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.registry.set(func() { p.registry.frozen = true })
		done := make(chan error, 1)
		go func() { done <- p.Register(t.Context(), fakeListener) }()
		time.Sleep(time.Second)
		if err := p.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
		if err := <-done; !errors.Is(err, ErrClosed) {
			t.Errorf("Register() = %v, want ErrClosed", err)
		}
	})
}

// A Manager does both at once, at its very end: in the moment in which the instance is listed.
func TestCloseAsRegisterEnds(t *testing.T) {
	t.Parallel()
	inst, err := Instance{Service: "orders"}.checked()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		for range 500 {
			r := newRegistrar(inst, defaultTiming(), discard, (&fakeRegistry{}).connect)
			ctx, cancel := context.WithTimeout(t.Context(), pushDelay)
			closed := make(chan error)
			time.AfterFunc(pushDelay, func() { closed <- r.Close() })
			err := r.Register(ctx, fakeListener)
			if err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("Register() = %v, want nil, ErrClosed or the cause of its context", err)
			}
			if err := <-closed; err != nil {
				t.Fatalf("Close() = %v, want nil", err)
			}
			cancel()
		}
	})
}

func TestCloseIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inst, _ := Instance{Service: "orders"}.checked()
		registry := &fakeRegistry{}
		hangs := make(chan struct{})
		r := newRegistrar(inst, defaultTiming(), discard, func() connection {
			return hangingClose{registry.connect(), hangs}
		})
		if err := r.Register(t.Context(), fakeListener); err != nil {
			t.Fatalf("Register() = %v, want nil", err)
		}
		for range 2 {
			began := time.Now()
			if err := r.Close(); err == nil || time.Since(began) != closeTimeout {
				t.Errorf("Close() = %v after %v, want an error after %v", err, time.Since(began), closeTimeout)
			}
		}
		close(hangs)
		if err := r.Close(); err != nil {
			t.Errorf("Close() = %v, want nil once nothing hangs", err)
		}
	})
}

type hangingClose struct {
	connection
	until chan struct{}
}

func (h hangingClose) Close(ctx context.Context) error {
	<-h.until
	return h.connection.Close(ctx)
}

// One Registrar is one instance: a second listener is an error, until the first one was withdrawn.
func TestAnotherAddressIsAnotherConnection(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Minute)
		second := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 9091}
		err := p.Register(t.Context(), second)
		says, ok := errors.AsType[interface {
			error
			Permanent() bool
			InUse() bool
		}](err)
		if !errors.Is(err, ErrInUse) || !ok || !says.Permanent() || !says.InUse() {
			t.Errorf("Register() of a second listener = %v, want ErrInUse, for good", err)
		}
		if !p.listed() || p.Published() != "10.0.0.7:9090 weight=1" {
			t.Errorf("the first address is listed: %t, published %q; want it as before", p.listed(), p.Published())
		}
		if err := p.Register(t.Context(), fakeListener); err != nil {
			t.Errorf("Register() of the same listener = %v, want nil", err)
		}
		p.wantReports(true)
		if err := p.deregister(); err != nil {
			t.Errorf("Deregister() = %v, want nil", err)
		}
		if got := p.Published(); got != "" {
			t.Errorf("Published() = %q after a confirmed withdrawal, want nothing", got)
		}
		if err := p.Register(t.Context(), second); err != nil {
			t.Fatalf("Register() = %v, want nil", err)
		}
		time.Sleep(time.Minute)
		if p.listed() {
			t.Error("the old address is listed, want it gone")
		}
		p.wantReports(true)
	})
}

func TestRegisterWithoutAnAddress(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.outbound = func() (netip.Addr, error) { return netip.Addr{}, fmt.Errorf("%w: no route", errNoWayOut) }
		err := p.Register(t.Context(), &net.TCPAddr{IP: net.IPv6unspecified, Port: 9090})
		if err == nil || !strings.Contains(err.Error(), "Instance.Addr") || !strings.Contains(err.Error(), "no route") {
			t.Errorf("Register() = %v, want an error about Instance.Addr and the route", err)
		}
		if _, ok := errors.AsType[permanentError](err); ok {
			t.Errorf("Register() = %v, want one that may be over in a moment", err)
		}
		if _, ok := errors.AsType[permanentError](p.Register(t.Context(), &net.UnixAddr{Name: "/run/a.sock", Net: "unix"})); !ok {
			t.Error("Register() of a unix socket is worth another try, want not: there is no address to publish")
		}
		if p.connections() != 0 {
			t.Errorf("calls %v, want none", p.registry.calls)
		}
	})
}

func TestUpdate(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		zone := map[string]string{"zone": "b"}
		if err := p.Update(t.Context(), zone, 2); err != nil || p.connections() != 0 {
			t.Errorf("Update() before Register = %v, calls %v; want nil and none", err, p.registry.calls)
		}
		p.register()
		if i := p.published(); i.Weight != 2 || i.Metadata["zone"] != "b" {
			t.Errorf("published %v, want weight 2 and zone b", describe(i))
		}
		if err := p.Update(t.Context(), map[string]string{"zone": "c"}, 5); err != nil {
			t.Errorf("Update() = %v, want nil", err)
		}
		p.registry.set(func() { p.registry.conns[0].published = nil }) // lost: the probe must bring the new values
		time.Sleep(time.Minute)
		if i := p.published(); i.Weight != 5 || i.Metadata["zone"] != "c" {
			t.Errorf("published %v after a probe, want weight 5 and zone c", describe(i))
		}
		for name, err := range map[string]error{
			"weight":   p.Update(t.Context(), nil, -1),
			"metadata": p.Update(t.Context(), map[string]string{"": "x"}, 1),
		} {
			if err == nil {
				t.Errorf("Update() with a bad %s = nil, want an error", name)
			}
		}
		p.wantReports()
	})
}

// An operator's edit may concern one of two entries: that is one difference, however many lists come.
func TestDifferenceIsLoggedOnce(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		var log strings.Builder
		p.log = slog.New(slog.NewTextHandler(&log, nil))
		p.register()
		foreign := p.self
		foreign.Weight, foreign.ClusterName = 9, "other"
		for peer := range 5 {
			p.registry.set(func() {
				p.registry.others = []sdk.Instance{foreign, {Ip: "10.0.0.9", Port: uint64(1000 + peer), Weight: 1}}
			})
			time.Sleep(2 * pushDelay)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if n := strings.Count(log.String(), "other values than ours"); n != 1 {
			t.Errorf("%d lines about the difference, want 1:\n%s", n, log.String())
		}
	})
}
