// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// The open list is answered by a node that has lost sight of ours, which lists us all the time.
func TestServingNodesDisagree(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		var log strings.Builder
		p.log = slog.New(slog.NewTextHandler(&log, nil))
		p.register()
		for round := 1; round <= 2; round++ {
			p.registry.set(func() { p.registry.elsewhere = []sdk.Instance{} })
			for range 3600 {
				time.Sleep(time.Second)
				if !p.listed() {
					t.Fatal("not listed, want it listed throughout")
				}
			}
			p.wantReports()
			p.wantState(stateRegistered)
			if n := strings.Count(log.String(), "nodes disagree"); n != round || p.connections() != 1+round || p.registry.open() != 1 {
				t.Errorf("after %d h: %d lines, %d connections, %d of them open; want one line and one look by a new connection for each time",
					round, n, p.connections(), p.registry.open())
			}
			if n := p.registry.count("register"); n != 1 {
				t.Errorf("%d registrations, want 1: nobody need be told", n)
			}
			p.registry.set(func() { p.registry.elsewhere = nil })
			time.Sleep(2 * checkWait)
		}
	})
}

// One datagram from anybody may not end what an operator has decided.
func TestOfflineForgedOnline(t *testing.T) {
	for name, nobody := range map[string]func(*fakeRegistry){
		"the open list knows better":        func(*fakeRegistry) {},
		"a new connection knows better":     func(r *fakeRegistry) { r.noHTTP = true },
		"nobody can be asked for some time": func(r *fakeRegistry) { r.away = true },
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T, p *party) {
				var log strings.Builder
				p.log = slog.New(slog.NewTextHandler(&log, nil))
				p.register()
				p.registry.set(func() { p.registry.hidden = true })
				time.Sleep(time.Minute)
				p.wantReports(false)
				p.registry.set(func() { nobody(p.registry) })
				p.registry.spoof(p.self)
				time.Sleep(35 * time.Second)
				p.wantReports()
				p.wantState(stateOffline)
				if n := strings.Count(log.String(), "nobody else can be asked"); p.registry.away && (n < 2 || n > 4) {
					t.Errorf("%d lines with the reason in 35 s, want one every %v to %v:\n%s", n, recheckWait, 2*recheckWait, log.String())
				}
				p.registry.set(func() { p.registry.away = false })
				time.Sleep(time.Minute)
				p.wantReports()
				p.registry.set(func() { p.registry.hidden = false })
				time.Sleep(time.Minute)
				p.wantReports(true)
			})
		})
	}
}

// Consumers that ignore weights go on calling: it is no offline.
func TestWeightOfZero(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		var log strings.Builder
		p.log = slog.New(slog.NewTextHandler(&log, nil))
		p.register()
		p.registry.set(func() { p.registry.conns[0].published.Weight = 0 })
		time.Sleep(time.Hour)
		p.wantReports()
		p.wantState(stateRegistered)
		if n := strings.Count(log.String(), "weight to 0"); n != 1 {
			t.Errorf("%d lines about the weight, want 1:\n%s", n, log.String())
		}
		if got := p.Published(); !strings.Contains(got, "weight=0") || !strings.Contains(got, "an operator's") {
			t.Errorf("Published() = %q, want it to name the weight and whose it is", got)
		}
	})
}

// The registry pushes each probe to every subscriber.
func TestOneProbeForAnAbsence(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		p.registry.set(func() { p.registry.hidden, p.registry.noHTTP = true, true })
		time.Sleep(pushDelay + grace + time.Second) // the probe was accepted
		p.registry.set(func() { p.registry.away = true })
		time.Sleep(time.Hour)
		p.wantReports()
		if n := p.registry.count("register"); n != 2 {
			t.Errorf("%d registrations, want the first and one probe", n)
		}
		p.registry.set(func() { p.registry.away = false })
		time.Sleep(time.Minute)
		p.wantReports(false)
		if n := p.registry.count("register"); n != 3 {
			t.Errorf("%d registrations, want one more probe: the registry may have been restarted", n)
		}
	})
}

// The answer was lost, and the registry stood still before its first push.
func TestDeregisterAfterALostAnswer(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.registry.set(func() { p.registry.lost = 1 })
		result := make(chan error, 1)
		go func() { result <- p.Register(t.Context(), fakeListener) }()
		time.Sleep(pushDelay / 2)
		p.registry.set(func() { p.registry.frozen = true })
		if err := p.deregister(); !errors.Is(err, ErrUnconfirmed) {
			t.Errorf("Deregister() = %v, want ErrUnconfirmed: the registry has the instance", err)
		}
		if err := <-result; !errors.Is(err, errWithdrawing) {
			t.Errorf("Register() = %v, want errWithdrawing", err)
		}
		p.registry.set(func() { p.registry.frozen = false })
	})
}

// After an operator's edit the entry that our connection holds is ours still.
func TestDeregisterAfterAnEditBlamesNobody(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		p.registry.set(func() {
			i := p.registry.conns[0].published
			i.Weight, i.Metadata = 7, map[string]string{"zone": "b"}
		})
		time.Sleep(time.Minute)
		p.registry.set(func() { p.registry.frozen = true })
		if err := p.deregister(); !errors.Is(err, ErrUnconfirmed) || errors.Is(err, ErrSecondOwner) {
			t.Errorf("Deregister() = %v, want ErrUnconfirmed, and nobody blamed", err)
		}
		p.registry.set(func() { p.registry.frozen = false })
	})
}

// A connection that the registry does not know any more accepts everything, and nothing comes of it.
func TestProbeWithoutEffect(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		p.registry.set(func() { p.registry.conns[0].published, p.registry.hurdles = nil, 1 })
		time.Sleep(time.Minute)
		p.wantReports()
		p.wantState(stateRegistered)
		if !p.listed() || p.registry.open() != 1 {
			t.Errorf("listed %v on %d connections, want listed on a new one", p.listed(), p.registry.open())
		}
	})
}

// 3.x does not tell what an operator has switched off.
func TestServingOperatorOfflineWithoutDetail(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.registry.set(func() { p.registry.noDetail = true })
		p.register()
		p.registry.set(func() { p.registry.hidden = true })
		time.Sleep(time.Minute)
		p.wantReports(false)
		if n := p.registry.count("register"); n != 2 {
			t.Errorf("%d registrations, want the first and one probe", n)
		}
	})
}
