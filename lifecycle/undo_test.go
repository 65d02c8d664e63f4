// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Resume may come between the begin of a phase and what it does. Whoever holds the lock last is right: the drain that
// was undone changes nothing any more.
func TestResumeAsAPhaseBegins(t *testing.T) {
	for _, policy := range []Policy{Lossless, Strict} {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, WithPolicy(policy), WithStreamNotice(AtWithdrawn))
				r.run(t)
				undone, cancel := context.WithCancelCause(t.Context())
				cancel(ErrResumed)
				began := time.Now()
				o := &offline{kind: kindDrain, plan: newPlan(began, DefaultBudget, false), absent: began}
				for _, p := range r.phases(o) {
					_ = r.carryOut(undone, o, p)
					if took := time.Since(began); took != 0 {
						t.Errorf("%s took %v, want it to end at once", p.name, took)
					}
				}
				time.Sleep(time.Minute)
				wantEvents(t, r.recorder)
				if s := r.Status(); s.State != Serving || s.Registrars[0].State != Registered {
					t.Errorf("Status() = %+v, want serving and registered", s)
				}
				r.terminate()
				<-r.result
			})
		})
	}
}

func TestResumeOfWhatIsDrainedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		if err := r.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		resumed := make(chan error, 1)
		go func() { resumed <- r.Resume(t.Context()) }()
		time.Sleep(100 * time.Millisecond) // Register is under way
		if err := r.Drain(t.Context()); err != nil {
			t.Errorf("second Drain() = %v, want nil", err)
		}
		if err := <-resumed; !errors.Is(err, ErrDrainedAgain) {
			t.Errorf("Resume() = %v, want ErrDrainedAgain", err)
		}
		r.terminate()
		<-r.result
	})
}

// A drain may be begun anew, and undone, before its caller looks.
func TestResumeOfADrainBegunAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		drained := make(chan error, 1)
		go func() { drained <- r.Drain(t.Context()) }()
		time.Sleep(time.Second)
		r.Manager.mu.Lock()
		first := r.drain
		r.beginDrain(t.Context(), triggerHand, kindDrain) // as operator does
		r.causes = causeNone
		r.undo() // as Resume does
		r.Manager.mu.Unlock()
		if err := <-drained; !errors.Is(err, ErrResumed) {
			t.Errorf("Drain() = %v, want ErrResumed", err)
		}
		if got := first.snapshot().Outcome; got != OutcomeSuperseded {
			t.Errorf("its outcome is %q, want %q", got, OutcomeSuperseded)
		}
		r.terminate()
		<-r.result
	})
}

// A registry that hangs is no reason to wait after the end.
func TestResumeEndsWithShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		if err := r.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		released := make(chan struct{})
		r.reg.register = func(context.Context) error { <-released; return nil }
		resumed := make(chan error, 1)
		go func() { resumed <- r.Resume(context.Background()) }()
		time.Sleep(100 * time.Millisecond)
		r.terminate()
		if err := <-resumed; !errors.Is(err, ErrStopping) {
			t.Errorf("Resume() = %v, want ErrStopping", err)
		}
		<-r.result
		close(released)
	})
}

func TestResumeOfWhatDoesNotDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		if err := r.Resume(t.Context()); err != nil {
			t.Errorf("Resume() = %v, want nil", err)
		}
		if took := time.Since(r.began); took != 0 {
			t.Errorf("Resume took %v, want nothing: the registry is not asked", took)
		}
		wantEvents(t, r.recorder)
		r.terminate()
		<-r.result
	})
}

// Who asks again gets no better answer as long as the instance is not listed.
func TestResumeAgainWhileTheRegistryIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		if err := r.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.reg.register = func(context.Context) error { return errBroken }
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if err := r.Resume(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Resume() = %v, want the cause of its context", err)
			}
			cancel()
		}
		r.reg.register = nil
		if err := r.Resume(t.Context()); err != nil || r.Status().Registrars[0].State != Registered {
			t.Errorf("Resume() = %v, state %v; want nil, registered", err, r.Status().Registrars[0].State)
		}
		r.terminate()
		<-r.result
	})
}

// A drain by hand that begins while an operator holds the instance has to withdraw it when they let go.
func TestOperatorOnlineDuringADrainByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.reg.operator <- true
		r.reg.operator <- false
		time.Sleep(100 * time.Millisecond)
		drained := make(chan error, 1)
		go func() { drained <- r.Drain(t.Context()) }()
		time.Sleep(time.Second)
		r.recorder.reset()
		r.reg.operator <- true
		if err := <-drained; err != nil {
			t.Errorf("Drain() = %v, want nil", err)
		}
		if s := r.Status().Registrars[0]; s.State != Withdrawn {
			t.Errorf("Status() = %+v, want withdrawn", s)
		}
		if absent := r.at(t, "nacos absent"); time.Since(r.began) < absent+r.reg.settle {
			t.Errorf("Drain returned %v after the online, want settle of %v after the absence", time.Since(r.began), r.reg.settle)
		}
		r.terminate()
		<-r.result
	})
}

func TestDrainThatShutdownTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		drained := make(chan error, 1)
		go func() { drained <- r.Drain(t.Context()) }()
		time.Sleep(100 * time.Millisecond)
		r.Manager.mu.Lock()
		drain := r.drain
		r.Manager.mu.Unlock()
		r.terminate()
		if err := <-drained; !errors.Is(err, ErrStopping) {
			t.Errorf("Drain() = %v, want ErrStopping", err)
		}
		if got := drain.snapshot().Outcome; got != OutcomeSuperseded {
			t.Errorf("its outcome is %q, want %q", got, OutcomeSuperseded)
		}
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}

// What a drain could not have confirmed is asked for again.
func TestShutdownRepeatsAnUnconfirmedWithdrawal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.reg.deregister = func(context.Context) error { return errBroken }
		if err := r.Drain(t.Context()); !errors.Is(err, errBroken) {
			t.Errorf("Drain() = %v, want the registrar's error", err)
		}
		r.reg.deregister = nil
		r.terminate()
		if err := <-r.result; err != nil || r.Report().Unconfirmed {
			t.Errorf("Run() = %v, unconfirmed %t; want nil and false", err, r.Report().Unconfirmed)
		}
	})
}

// The withdrawal of a drain is near its limit when SIGTERM comes, whose own limit counts from there.
func TestShutdownGivesAWithdrawalUnderWayLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		back := time.Now().Add(withdrawLimit + time.Second)
		r.reg.deregister = func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(time.Until(back)):
				return nil
			}
		}
		go r.Drain(t.Context())
		time.Sleep(withdrawLimit - 100*time.Millisecond)
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil: confirmed %v after the trigger", err, 1100*time.Millisecond)
		}
	})
}
