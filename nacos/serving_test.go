// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

func TestServingAbsentLessThanGrace(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		p.registry.spoof(sdk.Instance{Ip: "10.0.0.8", Port: 9090}) // others are there, we are not
		time.Sleep(grace - time.Millisecond)
		p.registry.conns[0].callback([]sdk.Instance{p.self})
		time.Sleep(time.Hour)
		p.wantState(stateRegistered)
		p.wantReports()
		if n := p.registry.count("register"); n != 1 {
			t.Errorf("%d registrations, want 1: nothing is done about a short absence", n)
		}
	})
}

func TestServingRegistrationLost(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		p.registry.set(func() { p.registry.conns[0].published = nil })
		time.Sleep(pushDelay + grace + pushDelay + time.Millisecond)
		p.wantState(stateRegistered)
		if !p.listed() {
			t.Error("not listed, want listed again after the grace")
		}
		p.wantReports()
	})
}

func TestServingViewBroken(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		p.registry.spoof()
		for range 1000 {
			time.Sleep(10 * time.Millisecond)
			if !p.listed() {
				t.Fatal("not listed for a moment, want the new connection before the end of the old one")
			}
		}
		p.wantState(stateRegistered)
		p.wantReports()
		if p.registry.open() != 1 || p.registry.count("conn1 close") != 1 {
			t.Errorf("calls %v, want a new connection and the first one closed", p.registry.calls)
		}
		// The new view works.
		p.registry.set(func() { p.registry.hidden = true })
		time.Sleep(time.Minute)
		p.wantReports(false)
	})
}

func TestServingViewBrokenSeenByFreshConnection(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.registry.set(func() { p.registry.noHTTP = true })
		p.register()
		time.Sleep(time.Hour)
		p.registry.spoof()
		time.Sleep(time.Minute)
		p.wantState(stateRegistered)
		p.wantReports()
		if !p.listed() || p.registry.open() != 1 {
			t.Errorf("listed %v on %d connections, want listed on one", p.listed(), p.registry.open())
		}
	})
}

func TestServingOperatorOfflineAndOnline(t *testing.T) {
	for name, noHTTP := range map[string]bool{"by the open list": false, "by a fresh connection": true} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T, p *party) {
				p.registry.set(func() { p.registry.noHTTP = noHTTP })
				p.register()
				began := time.Now()
				p.registry.set(func() { p.registry.hidden = true })
				time.Sleep(pushDelay + grace + probeWait + confirmWait - time.Millisecond)
				p.wantReports()
				time.Sleep(time.Millisecond)
				p.wantReports(false)
				t.Logf("reported after %v", time.Since(began))
				time.Sleep(time.Hour)
				if n := p.registry.count("deregister"); n != 0 {
					t.Errorf("%d deregistrations while parked, want none: that alone ends the operator's offline", n)
				}
				p.registry.set(func() { p.registry.hidden = false })
				time.Sleep(pushDelay)
				p.wantReports(true)
				if p.registry.open() != 1 {
					t.Errorf("%d connections are open, want 1", p.registry.open())
				}
			})
		})
	}
}

// The registry was restarted and has forgotten our login: the SDK's redo is refused, and no list comes any more.
func TestServingLoginForgotten(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		p.registry.set(func() {
			c := p.registry.conns[0]
			c.expired, c.blind, c.published = true, true, nil
		})
		time.Sleep(checkWait + pushDelay)
		p.wantState(stateRegistered)
		p.wantReports()
		if !p.listed() || p.registry.open() != 1 {
			t.Errorf("listed %v on %d connections, want listed on a new one", p.listed(), p.registry.open())
		}
	})
}

func TestServingViewStuckAndRegistrationLost(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		p.registry.set(func() { c := p.registry.conns[0]; c.blind, c.published = true, nil })
		time.Sleep(checkWait + grace + probeWait + time.Second)
		p.wantState(stateRegistered)
		p.wantReports()
		if !p.listed() {
			t.Error("not listed, want listed again although no list came")
		}
	})
}

func TestServingNoSecondOpinion(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		p.registry.set(func() { p.registry.hidden = true })
		time.Sleep(pushDelay + grace + time.Second) // the probe was accepted
		p.registry.set(func() { p.registry.frozen = true })
		time.Sleep(time.Minute)
		p.wantReports()
		p.registry.set(func() { p.registry.frozen = false })
	})
}

func TestServingRegistryAwayDuringProbe(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		p.registry.spoof()
		p.registry.set(func() { p.registry.away = true })
		time.Sleep(time.Hour)
		p.wantState(stateAbsent)
		p.wantReports()
		p.registry.set(func() { p.registry.away = false })
		time.Sleep(time.Minute)
		p.wantState(stateRegistered)
		p.wantReports()
	})
}

func TestOfflineEndThatWasNotPushed(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		p.registry.set(func() { p.registry.hidden = true })
		time.Sleep(time.Minute)
		p.wantReports(false)
		p.registry.spoof() // from now on our view is blind
		p.registry.set(func() { p.registry.hidden = false })
		time.Sleep(recheckWait + probeWait + time.Second)
		p.wantReports(true)
	})
}

func TestStartedHeldByOperator(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.registry.set(func() { p.registry.hidden = true })
		began := time.Now()
		if err := p.Register(t.Context(), fakeListener); err != nil {
			t.Fatalf("Register() = %v, want nil", err)
		}
		if d := time.Since(began); d != probeWait+confirmWait {
			t.Errorf("Register() took %v, want %v", d, probeWait+confirmWait)
		}
		p.wantReports(false)
		p.wantState(stateOffline)
		if p.published().Ip == "" {
			t.Error("not registered, want it to stay registered")
		}
		p.registry.set(func() { p.registry.hidden = false })
		time.Sleep(pushDelay)
		p.wantReports(true)
	})
}

// What comes of a todo that is no longer wanted is void, though the event alone would fit.
func TestLateOutcomeIsVoid(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		p.registry.spoof()
		p.mu.Lock()
		late := p.machine.revision
		p.mu.Unlock()
		p.registry.conns[0].callback([]sdk.Instance{p.self})
		p.registry.conns[0].callback(nil)
		p.feed(late, eventTimeout) // of the first absence
		p.wantState(stateAbsent)
	})
}
