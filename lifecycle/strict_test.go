// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestStrictWaitsForStreamsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithPolicy(Strict))
		r.run(t)
		r.calls.set(0, 1)
		go func() {
			time.Sleep(3 * time.Second)
			r.calls.set(0, 0)
		}()
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if got := r.at(t, "GracefulStop"); (got - 3*time.Second).Abs() > 100*time.Millisecond {
			t.Errorf("GracefulStop after %v, want 3 s: when the stream ends", got)
		}
	})
}

func TestStrictWaitsUntilHalfTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithPolicy(Strict))
		r.run(t)
		r.calls.set(0, 1)
		r.terminate()
		<-r.result
		if got, want := r.at(t, "GracefulStop"), DefaultBudget/2; (got - want).Abs() > 100*time.Millisecond {
			t.Errorf("GracefulStop after %v, want %v", got, want)
		}
	})
}

// A refused call is somebody who has not heard yet.
func TestStrictQuietCountsTheRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithPolicy(Strict), WithQuiet(time.Second))
		r.run(t)
		refusedUntil := time.Now().Add(3 * time.Second)
		go func() {
			for time.Now().Before(refusedUntil) {
				r.calls.refuse(1)
				time.Sleep(100 * time.Millisecond)
			}
		}()
		r.terminate()
		<-r.result
		if got := r.at(t, "GracefulStop"); (got - 4*time.Second).Abs() > 200*time.Millisecond {
			t.Errorf("GracefulStop after %v, want a second after the last refusal at 3 s", got)
		}
		var names []string
		for _, p := range r.Report().Phases {
			names = append(names, p.Name)
		}
		if slices.Index(names, "idle") < slices.Index(names, "refuse") || slices.Index(names, "quiet") < slices.Index(names, "idle") {
			t.Errorf("phases = %q, want refuse, idle, quiet in this order", names)
		}
	})
}

// A registry that says no at once leaves the rest of its time to those who have not heard.
func TestStrictUnconfirmedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithPolicy(Strict))
		r.reg.deregister = func(context.Context) error { return errBroken }
		r.run(t)
		r.terminate()
		if err := <-r.result; !errors.Is(err, errBroken) {
			t.Errorf("Run() = %v, want the registrar's error", err)
		}
		if got := r.at(t, "calls.Refuse"); got != withdrawLimit {
			t.Errorf("Refuse after %v, want %v", got, withdrawLimit)
		}
	})
}

// Nobody has to confirm, and what is over is not looked for.
func TestStrictDrainWithoutARegistrar(t *testing.T) {
	for _, opts := range [][]Option{nil, {WithBudget(0)}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.Manager = New(r.server, append(opts, WithCalls(r.calls), WithHealth(r.health), WithPolicy(Strict))...)
			r.run(t)
			if err := r.Drain(t.Context()); err != nil {
				t.Errorf("Drain() = %v, want nil", err)
			}
			if got := r.Report(); got.Outcome != OutcomeDrained || got.Unconfirmed {
				t.Errorf("outcome %q, unconfirmed %t; want drained, false", got.Outcome, got.Unconfirmed)
			}
			r.terminate()
			if err := <-r.result; err != nil && len(opts) == 0 {
				t.Errorf("Run() = %v, want nil", err)
			}
		})
	}
}

// Withdraw's share counts from when the instance began to drain.
func TestStrictUnconfirmedAfterADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.Manager = New(r.server, WithCalls(r.calls), WithHealth(r.health), WithPolicy(Strict))
		r.run(t)
		go r.Drain(t.Context())
		time.Sleep(time.Second)
		r.terminate()
		<-r.result
		if got := r.at(t, "calls.Refuse"); got != withdrawLimit {
			t.Errorf("Refuse %v after the drain began, want %v", got, withdrawLimit)
		}
	})
}

// Who still calls has not heard, whether the absence was confirmed or not.
func TestStrictUnconfirmedWaitsForQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithPolicy(Strict), WithQuiet(time.Second))
		r.run(t)
		r.reg.deregister = func(context.Context) error { return errBroken }
		until := time.Now().Add(7 * time.Second)
		go func() {
			for time.Now().Before(until) {
				r.calls.refuse(1)
				time.Sleep(100 * time.Millisecond)
			}
		}()
		r.terminate()
		<-r.result
		if got, want := r.at(t, "GracefulStop"), 8*time.Second; (got - want).Abs() > 200*time.Millisecond {
			t.Errorf("GracefulStop after %v, want %v: a second after the last refusal", got, want)
		}
	})
}
