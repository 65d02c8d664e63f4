// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestShutdownOfAParkedInstanceIsQuick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.reg.operator <- true
		r.reg.operator <- false
		time.Sleep(10 * time.Second)
		began := time.Now()
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if got := time.Since(began); got > 1500*time.Millisecond {
			t.Errorf("Run took %v after the trigger, want under 1.5 s: settle counts from the first absence", got)
		}
		if got := r.Report().Registrars[0]; got.State != Withdrawn || got.Offline {
			t.Errorf("Report.Registrars = %+v, want withdrawn by ourselves", got)
		}
	})
}

// What was seen before counts for since when, not for whether: they may have put it online in between.
func TestShutdownOfAParkedInstanceUnconfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.reg.operator <- true
		r.reg.operator <- false
		time.Sleep(10 * time.Second)
		r.reg.deregister = func(context.Context) error { return errBroken }
		r.terminate()
		if err := <-r.result; !errors.Is(err, errBroken) || !r.Report().Unconfirmed {
			t.Errorf("Run() = %v, unconfirmed %t; want the registrar's error, and true", err, r.Report().Unconfirmed)
		}
	})
}

// A Deregister that has not returned says nothing of the end of it.
func TestShutdownOfAParkedInstanceWhoseDeregisterHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.reg.operator <- true
		r.reg.operator <- false
		time.Sleep(10 * time.Second)
		released := make(chan struct{})
		r.reg.deregister = func(context.Context) error { <-released; return nil }
		r.terminate()
		if err := <-r.result; !errors.Is(err, errWithdrawLimit) || !r.Report().Unconfirmed {
			t.Errorf("Run() = %v, unconfirmed %t; want that the limit is over, and true", err, r.Report().Unconfirmed)
		}
		close(released)
	})
}

// An operator may be heard before the instance is withdrawn, too.
func TestOperatorAsShutdownBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.beginShutdown(t.Context(), "shutdown", kindShutdown)
		for _, online := range []bool{false, true, false} {
			r.operator(t.Context(), r.reconcilers[0], online)
		}
		if err := <-r.result; err != nil || r.Report().Trigger != "shutdown" {
			t.Errorf("Run() = %v, Trigger = %q; want nil, shutdown", err, r.Report().Trigger)
		}
		if got := r.Status(); got.State != Stopped || len(got.Causes) != 1 {
			t.Errorf("Status() = %+v, want stopped, for one cause", got)
		}
	})
}

// What an operator does comes too late once Shutdown has begun.
func TestOperatorAfterShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, offline := range []RegistryOffline{Park, Exit} {
			r := newRig(t, WithRegistryOffline(offline))
			r.run(t)
			r.reg.operator <- true
			var operated bool
			r.reg.deregister = func(context.Context) error {
				for _, online := range []bool{false, true, false} {
					r.reg.operator <- online
					time.Sleep(10 * time.Millisecond)
				}
				operated = true
				return nil
			}
			r.terminate()
			if err := <-r.result; err != nil || !operated {
				t.Errorf("Run() = %v, operated %t; want nil, true", err, operated)
			}
			wantEvents(t, r.recorder, "calls.Drain", "health.Drain", "nacos.Deregister", "nacos absent",
				"not ready", "GracefulStop", "health.EndWatches", "calls.TellStreams", "hook", "nacos.Close")
		}
	})
}

// An operator puts the instance online just before it is withdrawn: it was listed again, and absent for others since
// then.
func TestSettleCountsFromTheLastAbsence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.reg.operator <- true
		r.reg.operator <- false
		time.Sleep(time.Minute)
		r.reg.deregister = func(context.Context) error {
			r.reg.operator <- true // Watch tells before Deregister returns
			time.Sleep(time.Second)
			return nil
		}
		r.recorder.reset()
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if got := r.at(t, "GracefulStop") - r.at(t, "nacos absent"); got < r.reg.settle {
			t.Errorf("GracefulStop %v after the absence, want settle of %v", got, r.reg.settle)
		}
	})
}
