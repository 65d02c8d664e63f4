// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// The rows of the table of absences, in its order. The ones about the self-watch are in watch_state_test.go too, as
// ways through the state machine; here they run against a registry, in fake time.

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

func TestWithdrawingNotBeforeMinAge(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		began := time.Now()
		p.register()
		if err := p.deregister(); err != nil {
			t.Fatalf("Deregister() = %v, want nil", err)
		}
		if d := time.Since(began); d != MinAge+pushDelay {
			t.Errorf("confirmed %v after the connection was made, want %v", d, MinAge+pushDelay)
		}
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
		if d := time.Since(began); d != AbsenceWait+pushDelay {
			t.Errorf("Deregister() took %v, want %v", d, AbsenceWait+pushDelay)
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
		p.wantState(withdrawn)
	})
}

func TestWithdrawingCopyOfDeadNodeIsUnconfirmed(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		p.registry.set(func() { p.registry.others = []sdk.Instance{p.self} }) // nothing of ours removes it
		began := time.Now()
		err := p.deregister()
		var more interface {
			Unconfirmed() bool
			Refused() bool
		}
		if !errors.As(err, &more) || !more.Unconfirmed() || more.Refused() || !errors.Is(err, ErrUnconfirmed) {
			t.Fatalf("Deregister() = %v, want an error with Unconfirmed() true and Refused() false", err)
		}
		if errors.Is(err, ErrSecondOwner) || !strings.Contains(err.Error(), "registry node that has died") {
			t.Errorf("Deregister() = %q, want it to name the copy of a dead node", err)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("Deregister() took %v, want at most 5 s", d)
		}
		if n := p.registry.count("deregister"); n != 2 {
			t.Errorf("%d deregistrations, want 2", n)
		}
	})
}

func TestWithdrawingSecondOwnerIsNamed(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		kratos := sdk.Instance{Ip: "10.0.0.7", Port: 9090, ClusterName: "DEFAULT", Weight: 100, Metadata: map[string]string{"kind": "grpc"}}
		p.registry.set(func() { p.registry.others = []sdk.Instance{kratos} })
		err := p.deregister()
		if !errors.Is(err, ErrSecondOwner) || !errors.Is(err, ErrUnconfirmed) {
			t.Fatalf("Deregister() = %v, want ErrSecondOwner and ErrUnconfirmed", err)
		}
		for _, part := range []string{"10.0.0.7:9090", "orders", "weight 100", "kind:grpc"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("Deregister() = %q, want it to name %q", err, part)
			}
		}
	})
}

// In another cluster it is an entry of its own, with our address all the same.
func TestWithdrawingSecondOwnerInAnotherCluster(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		other := sdk.Instance{Ip: "10.0.0.7", Port: 9090, ClusterName: "old", Weight: 1}
		p.registry.set(func() { p.registry.others = []sdk.Instance{other} })
		p.register()
		time.Sleep(time.Hour)
		if err := p.deregister(); !errors.Is(err, ErrSecondOwner) || !strings.Contains(err.Error(), "cluster old") {
			t.Errorf("Deregister() = %v, want ErrSecondOwner in cluster old", err)
		}
	})
}

func TestWithdrawingAlreadyAbsent(t *testing.T) {
	for name, noHTTP := range map[string]bool{"confirmed by the open list": false, "at once": true} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T, p *party) {
				p.register()
				p.registry.set(func() { p.registry.hidden = true })
				time.Sleep(time.Minute)
				p.wantReports(false)
				p.registry.set(func() { p.registry.noHTTP = noHTTP })
				began := time.Now()
				if err := p.deregister(); err != nil || time.Since(began) != 0 {
					t.Errorf("Deregister() = %v after %v, want nil at once", err, time.Since(began))
				}
				if err := p.deregister(); err != nil || time.Since(began) != 0 {
					t.Errorf("second Deregister() = %v after %v, want nil at once", err, time.Since(began))
				}
			})
		})
	}
}

// A forged list looks like an absence that was there before.
func TestWithdrawingAlreadyAbsentForABrokenViewOnly(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		p.registry.spoof()
		p.registry.set(func() { p.registry.ghosts = 1 })
		began := time.Now()
		if err := p.deregister(); err != nil {
			t.Fatalf("Deregister() = %v, want nil", err)
		}
		if p.listed() || time.Since(began) < AbsenceWait {
			t.Errorf("listed %v after %v, want absent, and no confirmation by the forged list", p.listed(), time.Since(began))
		}
	})
}

func TestWithdrawingRegistryAway(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		p.registry.set(func() { p.registry.away = true })
		err := p.deregister()
		if !errors.Is(err, ErrUnconfirmed) || !errors.Is(err, errAway) {
			t.Errorf("Deregister() = %v, want ErrUnconfirmed and the registry's error", err)
		}
	})
}

// Parked, and then the registry goes: nobody has had us for a while, so there is nothing to wait for.
func TestWithdrawingAlreadyAbsentRegistryAway(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		p.registry.set(func() { p.registry.hidden = true })
		time.Sleep(time.Minute)
		p.wantReports(false)
		p.registry.set(func() { p.registry.away = true })
		began := time.Now()
		if err := p.deregister(); err != nil || time.Since(began) > time.Second {
			t.Errorf("Deregister() = %v after %v, want nil after one attempt", err, time.Since(began))
		}
	})
}

func TestWithdrawingRegistryFrozen(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		p.registry.set(func() { p.registry.frozen = true })
		began := time.Now()
		err := p.deregister()
		if !errors.Is(err, ErrUnconfirmed) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("Deregister() = %v after %v, want ErrUnconfirmed and deadline exceeded after 5 s", err, time.Since(began))
		}
		p.registry.set(func() { p.registry.frozen = false })
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

// Consumers may have been told before us, so the absence is not as old as it looks.
func TestWithdrawingRightAfterTheOperatorsOnline(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		p.registry.set(func() { p.registry.hidden = true })
		time.Sleep(time.Hour)
		p.wantReports(false)
		p.registry.set(func() { p.registry.hidden = false })
		if err := p.deregister(); err != nil {
			t.Fatalf("Deregister() = %v, want nil", err)
		}
		p.wantReports(true)
		p.wantState(withdrawn)
	})
}

func TestWithdrawingHeldWithAFrozenRegistry(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		p.registry.set(func() { p.registry.hidden = true })
		time.Sleep(time.Hour)
		p.wantReports(false)
		p.registry.set(func() { p.registry.frozen = true })
		began := time.Now()
		if err := p.deregister(); err != nil {
			t.Fatalf("Deregister() = %v, want nil: consumers have not had us for an hour", err)
		}
		if d := time.Since(began); d > AbsenceWait+DefaultTimeout {
			t.Errorf("Deregister() took %v, want at most %v", d, AbsenceWait+DefaultTimeout)
		}
		p.wantReports()
	})
}
