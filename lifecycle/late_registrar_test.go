// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Registrars whose methods do not heed their contexts, as those of a client library without contexts.

// A Register that returns after the limit of the withdrawal has listed the instance: Deregister still gets its chance.
func TestRegisterThatReturnsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		listed := false
		r.reg.register = func(context.Context) error {
			time.Sleep(withdrawLimit + 2*time.Second)
			listed = true
			return nil
		}
		r.reg.deregister = func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(100 * time.Millisecond):
				listed = false
				return nil
			}
		}
		go func() { r.result <- r.Run(t.Context(), fakeListener{}) }()
		time.Sleep(time.Second)
		if err := r.Drain(t.Context()); err == nil || !strings.Contains(err.Error(), "Register has not returned") {
			t.Errorf("Drain() = %v, want that Register has not returned", err)
		}
		time.Sleep(time.Minute)
		if s := r.Status().Registrars[0]; listed || s.State != Withdrawn {
			t.Errorf("listed %t, Status() = %+v; want it withdrawn after all", listed, s)
		}
		r.Shutdown(t.Context())
		<-r.result
	})
}

// A Deregister that Resume has overtaken says nothing of what an operator does after Resume.
func TestDeregisterThatReturnsAfterResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.reg.operator <- true
		r.reg.deregister = func(context.Context) error { time.Sleep(2 * time.Second); return nil }
		go r.Drain(context.Background())
		time.Sleep(100 * time.Millisecond)
		go r.Resume(context.Background())
		time.Sleep(100 * time.Millisecond)
		r.reg.operator <- false
		time.Sleep(2 * time.Second) // Deregister has returned, Register is under way
		if s := r.Status(); !s.Registrars[0].Offline || s.State != Draining {
			t.Errorf("Status() = %+v, want draining because of the operator", s)
		}
		go r.Drain(context.Background())
		time.Sleep(time.Minute)
		r.reg.operator <- true
		time.Sleep(time.Minute)
		if err := r.Resume(t.Context()); err != nil {
			t.Errorf("Resume() = %v, want nil: no operator holds it", err)
		}
		time.Sleep(time.Minute)
		if s := r.Status(); s.State != Serving || !s.Ready {
			t.Errorf("Status() = %+v, want serving", s)
		}
		r.terminate()
		<-r.result
	})
}

// An operator's offline may be told between the look whether they hold the instance and its withdrawal.
func TestWhatIsWithdrawnIsNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		k := r.reconcilers[0]
		k.announce()
		if matters, _ := k.hold(true); !matters || !k.isHeld() {
			t.Fatalf("hold(true) matters: %t, held: %t; want both", matters, k.isHeld())
		}
		k.withdraw(time.Now().Add(time.Second))
		if k.isHeld() {
			t.Error("it is held and withdrawn, want withdrawn: the operator's online would not be heard")
		}
	})
}

// The limit of a withdrawal that waits behind a Register grows with the one who asks last.
func TestShutdownGivesAWithdrawalThatHasNotBegunLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.reg.register = func(context.Context) error { time.Sleep(7 * time.Second); return nil }
		r.reg.delay = 2 * time.Second // of Deregister
		ctx, cancel := context.WithCancel(t.Context())
		go func() { r.result <- r.Run(ctx, fakeListener{}) }()
		time.Sleep(time.Second)
		go r.Drain(t.Context()) // until 6 s
		time.Sleep(4 * time.Second)
		cancel() // until 10 s; Deregister begins at 7 s
		if err := <-r.result; err != nil || r.Report().Unconfirmed {
			t.Errorf("Run() = %v, unconfirmed %t; want nil, false", err, r.Report().Unconfirmed)
		}
	})
}

// The Register of a Resume is not what the drain that it undid has waited for.
func TestBusyIsWhatTheWithdrawalWaitsFor(t *testing.T) {
	for listed, want := range map[bool]string{false: "Register", true: "Deregister"} {
		k := &reconciler{mu: new(sync.Mutex), noted: func() {}, request: request{listed: listed}, calling: []string{"Register"}}
		if got := k.awaited(); got != want {
			t.Errorf("busy() = %q with the goal listed = %v and Register under way, want %q", got, listed, want)
		}
	}
}
