// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

func TestRegisterReturnsWhenListed(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		began := time.Now()
		p.register()
		if d := time.Since(began); d != pushDelay || !p.listed() {
			t.Errorf("Register() took %v, listed %v; want %v and listed", d, p.listed(), pushDelay)
		}
		began = time.Now()
		p.register() // once more is no matter
		if d := time.Since(began); d != 0 {
			t.Errorf("second Register() took %v, want no time", d)
		}
	})
}

func TestRegisterRegistryDown(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.registry.set(func() { p.registry.away = true })
		done := make(chan error, 1)
		go func() { done <- p.Register(t.Context(), fakeListener) }()
		time.Sleep(time.Hour)
		p.wantReports()
		if n := p.registry.count("subscribe"); n > 800 || n < 600 {
			t.Errorf("%d attempts in an hour, want one every 5.3 s or so", n)
		}
		p.registry.set(func() { p.registry.away = false })
		time.Sleep(retryMax + time.Second)
		synctest.Wait()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Register() = %v, want nil", err)
			}
		default:
			t.Error("Register() has not returned, want nil when the registry is back")
		}
		p.wantReports(true)
		if n := p.connections(); n != 1 {
			t.Errorf("%d connections were made, want 1", n)
		}
	})
}

func TestRegisterGivesUpWithItsContext(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.registry.set(func() { p.registry.away = true })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		err := p.Register(ctx, fakeListener)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errAway) {
			t.Fatalf("Register() = %v, want deadline exceeded and the last attempt's error", err)
		}
		for _, part := range []string{"orders", "10.0.0.7:9090", "attempt 5 after 10"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("Register() = %q, want it to say %q", err, part)
			}
		}
		if d := time.Since(began); d > 10*time.Second+closeTimeout/2 {
			t.Errorf("Register() took %v, want 10 s and a moment to clean up", d)
		}
		synctest.Wait()
		if n := p.registry.open(); n != 0 {
			t.Errorf("%d connections are open, want none: nothing is half registered", n)
		}
		began = time.Now()
		if err := p.deregister(); err != nil || time.Since(began) != 0 {
			t.Errorf("Deregister() = %v after %v, want nil at once: there is nothing to withdraw", err, time.Since(began))
		}
	})
}

// What was accepted before the context ended may have been listed.
func TestRegisterEndedWhileWaitingForTheList(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		ctx, cancel := context.WithTimeout(t.Context(), pushDelay/2)
		defer cancel()
		if err := p.Register(ctx, fakeListener); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Register() = %v, want deadline exceeded", err)
		}
		synctest.Wait()
		if p.listed() || p.registry.open() != 0 {
			t.Errorf("listed %v, %d connections after a Register that failed, want absent and none", p.listed(), p.registry.open())
		}
		p.registry.set(func() { p.registry.others = []sdk.Instance{p.self} })
		if err := p.deregister(); !errors.Is(err, ErrUnconfirmed) {
			t.Errorf("Deregister() of what is listed = %v, want ErrUnconfirmed", err)
		}
		p.registry.set(func() { p.registry.others = nil })
		if err := p.deregister(); err != nil {
			t.Errorf("Deregister() = %v, want nil", err)
		}
		p.register()
	})
}

func TestRegisterRegistryDownEndedByDeregister(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.registry.set(func() { p.registry.away = true })
		done := make(chan error, 1)
		go func() { done <- p.Register(t.Context(), fakeListener) }()
		time.Sleep(time.Minute)
		began := time.Now()
		if err := p.deregister(); err != nil || time.Since(began) > time.Second {
			t.Errorf("Deregister() = %v after %v, want nil after one attempt: nothing was ever published", err, time.Since(began))
		}
		if err := <-done; !errors.Is(err, errWithdrawing) {
			t.Errorf("Register() = %v, want errWithdrawing", err)
		}
		synctest.Wait()
		if n := p.registry.open(); n != 0 {
			t.Errorf("%d connections are open, want none: what was never answered must not arrive later", n)
		}
	})
}

func TestRegisterWrongLogin(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.registry.refuse, p.registry.login = 100, true
		began := time.Now()
		err := p.Register(t.Context(), fakeListener)
		if !errors.Is(err, ErrLogin) || !errors.Is(err, ErrRefused) || time.Since(began) != 0 {
			t.Errorf("Register() = %v after %v, want ErrLogin at once", err, time.Since(began))
		}
	})
}

func TestRegisterRefusedThreeTimes(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.registry.refuse = 2
		p.register()
	})
	t.Run("for good", func(t *testing.T) {
		simulate(t, func(t *testing.T, p *party) {
			p.registry.refuse = 100
			if err := p.Register(t.Context(), fakeListener); !errors.Is(err, ErrRefused) {
				t.Errorf("Register() = %v, want ErrRefused", err)
			}
			if n := p.registry.count("register"); n != refusalsMost {
				t.Errorf("%d registrations, want %d", n, refusalsMost)
			}
		})
	})
}

func TestRegisterLostInTheStartUpRaceIsRepeated(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.registry.hurdles = 1
		began := time.Now()
		p.register()
		if d := time.Since(began); d != probeWait/2+pushDelay {
			t.Errorf("Register() took %v, want %v", d, probeWait/2+pushDelay)
		}
	})
}

// The registry lists the instance, and our subscription does not hear of it.
func TestRegisterOnABlindConnection(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		time.AfterFunc(pushDelay/2, func() { p.registry.set(func() { p.registry.conns[0].blind = true }) })
		p.register()
		if p.registry.open() != 1 || p.connections() != 2 {
			t.Errorf("calls %v, want a second connection and the first one closed", p.registry.calls)
		}
	})
}

func TestRegisterWithoutAnyOpinionGoesOn(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.registry.set(func() { p.registry.noHTTP, p.registry.hurdles = true, 2 })
		time.AfterFunc(2*time.Second, func() { p.registry.set(func() { p.registry.away = true }) })
		time.AfterFunc(10*time.Second, func() { p.registry.set(func() { p.registry.away = false }) })
		p.register()
	})
}

func TestRegisterEndedByDeregister(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		done := make(chan error, 1)
		go func() { done <- p.Register(t.Context(), fakeListener) }()
		time.Sleep(pushDelay / 2)
		if err := p.deregister(); err != nil {
			t.Errorf("Deregister() = %v, want nil", err)
		}
		if err := <-done; !errors.Is(err, errWithdrawing) {
			t.Errorf("Register() = %v, want errWithdrawing", err)
		}
		if p.listed() {
			t.Error("listed, want absent")
		}
		p.wantState(stateWithdrawn)
		p.wantReports()
	})
}

var _ connection = (*sdk.Client)(nil)
