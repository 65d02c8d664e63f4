// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"errors"
	"testing"
	"time"
)

// The rows of the table of absences in which the instance is absent already when Deregister is called, in its order.

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
		if p.listed() || time.Since(began) < absenceWait {
			t.Errorf("listed %v after %v, want absent, and no confirmation by the forged list", p.listed(), time.Since(began))
		}
	})
}

// Parked, and then the registry goes. A missing answer is no evidence, however long nobody has had us.
func TestWithdrawingAlreadyAbsentRegistryAway(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		p.registry.set(func() { p.registry.hidden = true })
		time.Sleep(time.Minute)
		p.wantReports(false)
		p.registry.set(func() { p.registry.away = true })
		began := time.Now()
		if err := p.deregister(); !errors.Is(err, ErrUnconfirmed) || time.Since(began) > 2*time.Second {
			t.Errorf("Deregister() = %v after %v, want ErrUnconfirmed after one attempt", err, time.Since(began))
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
		p.wantState(stateWithdrawn)
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
		if err := p.deregister(); !errors.Is(err, ErrUnconfirmed) {
			t.Fatalf("Deregister() = %v, want ErrUnconfirmed: nobody says that we are absent", err)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("Deregister() took %v, want what it was given", d)
		}
		p.wantReports()
	})
}
