// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

var fakeListener = &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 9090}

// A party is a Registrar with a fake registry and what its Watch reports, in a bubble of fake time.
type party struct {
	*Registrar
	t        *testing.T
	registry *fakeRegistry
	reports  chan bool
}

// simulate runs f in a bubble. When f returns, the Registrar is closed, and nothing of it may be left.
func simulate(t *testing.T, f func(t *testing.T, p *party)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inst, err := Instance{Service: "orders"}.checked()
		if err != nil {
			t.Fatal(err)
		}
		registry := &fakeRegistry{}
		log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
		p := &party{
			Registrar: newRegistrar(inst, defaultTiming(), log, registry.connect),
			t:         t, registry: registry, reports: make(chan bool, 100),
		}
		p.outbound = func() (netip.Addr, error) { return netip.MustParseAddr("10.0.0.7"), nil }
		watched := make(chan error, 1)
		go func() { watched <- p.Watch(context.Background(), func(online bool) { p.reports <- online }) }()
		defer func() {
			if err := p.Close(); err != nil {
				t.Errorf("Close() = %v, want nil", err)
			}
			if err := <-watched; !errors.Is(err, ErrClosed) {
				t.Errorf("Watch() = %v, want ErrClosed", err)
			}
			if n := registry.open(); n != 0 {
				t.Errorf("%d connections are open after Close, want 0", n)
			}
		}()
		f(t, p)
	})
}

func (p *party) register() {
	p.t.Helper()
	if err := p.Register(p.t.Context(), fakeListener); err != nil {
		p.t.Fatalf("Register() = %v, want nil", err)
	}
	p.wantReports(true)
}

// deregister is given what a Manager gives it.
func (p *party) deregister() error {
	ctx, cancel := context.WithTimeout(p.t.Context(), 5*time.Second)
	defer cancel()
	return p.Deregister(ctx)
}

// wantReports looks at what Watch has reported since the last look.
func (p *party) wantReports(want ...bool) {
	p.t.Helper()
	synctest.Wait()
	var got []bool
	for len(p.reports) > 0 {
		got = append(got, <-p.reports)
	}
	if !slices.Equal(got, want) {
		p.t.Fatalf("Watch reported %v, want %v", got, want)
	}
}

func (p *party) wantState(want state) {
	p.t.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.machine.state != want {
		p.t.Fatalf("state %q, want %q", p.machine.state, want)
	}
}

// published is what the first connection has published.
func (p *party) published() sdk.Instance {
	p.registry.mu.Lock()
	defer p.registry.mu.Unlock()
	if i := p.registry.conns[0].published; i != nil {
		return *i
	}
	return sdk.Instance{}
}

// connections counts all that were made.
func (p *party) connections() int {
	p.registry.mu.Lock()
	defer p.registry.mu.Unlock()
	return len(p.registry.conns)
}

// listed tells whether consumers see us.
func (p *party) listed() bool {
	p.registry.mu.Lock()
	defer p.registry.mu.Unlock()
	return slices.ContainsFunc(p.registry.list(), func(i sdk.Instance) bool { return hostPort(i) == "10.0.0.7:9090" })
}

var discard = slog.New(slog.DiscardHandler)
