// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"testing"
	"time"
)

// The rows of the table of absences in which the absence is confirmed, in its order. The ones about the self-watch are
// in watch_state_test.go too, as ways through the state machine; here they run against a registry, in fake time.

func TestWithdrawingCallbackWithoutUsConfirms(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		began := time.Now()
		if err := p.deregister(); err != nil {
			t.Fatalf("Deregister() = %v, want nil", err)
		}
		if d := time.Since(began); d != pushDelay {
			t.Errorf("Deregister() took %v, want the push delay %v", d, pushDelay)
		}
		if n := p.registry.count("deregister"); n != 1 {
			t.Errorf("%d deregistrations, want 1", n)
		}
		p.wantReports()
	})
}

func TestWithdrawingStartUpGhostIsCuredBySecondDeregister(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		p.registry.set(func() { p.registry.ghosts = 1 })
		began := time.Now()
		if err := p.deregister(); err != nil {
			t.Fatalf("Deregister() = %v, want nil", err)
		}
		if d := time.Since(began); d != absenceWait+pushDelay {
			t.Errorf("Deregister() took %v, want %v", d, absenceWait+pushDelay)
		}
	})
}

func TestWithdrawingGhostThatOnlyCloseRemoves(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		p.registry.set(func() { p.registry.ghosts = 2 })
		if err := p.deregister(); err != nil {
			t.Fatalf("Deregister() = %v, want nil", err)
		}
		if p.listed() || p.registry.count("conn1 close") != 1 {
			t.Errorf("listed %v, calls %v; want absent, and the first connection closed", p.listed(), p.registry.calls)
		}
		p.wantState(stateWithdrawn)
	})
}

func TestWithdrawnStaysWithdrawn(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		if err := p.deregister(); err != nil {
			t.Fatalf("Deregister() = %v, want nil", err)
		}
		for range 3 { // a redo of the SDK that was under way
			p.registry.set(func() { p.registry.conns[0].published = &p.self })
			time.Sleep(2*pushDelay + time.Millisecond)
			if p.listed() {
				t.Fatal("listed again, want it withdrawn again")
			}
		}
		p.wantReports()
		p.register() // and after that it may come back
		time.Sleep(time.Hour)
		if !p.listed() {
			t.Error("not listed after Register, want listed")
		}
	})
}

// It comes back once more before its absence was pushed, so that no list follows the one that brought it back.
func TestWithdrawnAgainUntilTheListShowsIt(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		if err := p.deregister(); err != nil {
			t.Fatalf("Deregister() = %v, want nil", err)
		}
		back := func() { p.registry.set(func() { p.registry.conns[0].published = &p.self }) }
		back()
		time.Sleep(pushDelay + time.Millisecond)
		back()
		time.Sleep(retryMax + 2*pushDelay)
		if p.listed() {
			t.Error("listed still, want it withdrawn again")
		}
		calls := p.registry.count("deregister")
		time.Sleep(time.Hour)
		if n := p.registry.count("deregister"); n != calls {
			t.Errorf("%d more withdrawals of what is absent, want none", n-calls)
		}
	})
}

// The registry does not answer in the moment in which a list brings us back.
func TestWithdrawnAgainUntilTheRegistryHasTakenIt(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		if err := p.deregister(); err != nil {
			t.Fatalf("Deregister() = %v, want nil", err)
		}
		p.registry.set(func() { p.registry.conns[0].published, p.registry.frozen = &p.self, true })
		time.Sleep(pushDelay + DefaultTimeout)
		p.registry.set(func() { p.registry.frozen = false })
		if !p.listed() {
			t.Fatal("withdrawn by a registry that is frozen")
		}
		time.Sleep(retryMax + 2*pushDelay)
		if p.listed() {
			t.Error("listed still, want it withdrawn again")
		}
		calls := p.registry.count("deregister")
		time.Sleep(time.Hour)
		if n := p.registry.count("deregister"); n != calls {
			t.Errorf("%d more withdrawals of what is absent, want none", n-calls)
		}
	})
}
