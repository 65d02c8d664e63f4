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

// Without a registrar settle is counted from the trigger, or from the drain before it that is still in force.
func TestSettleWithoutARegistrar(t *testing.T) {
	for _, test := range []struct {
		drained, resumed bool
		want             time.Duration
	}{
		{false, false, UnknownSettle + DefaultQuiet},
		{true, false, DefaultQuiet},
		{true, true, UnknownSettle + DefaultQuiet},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.Manager = New(r.server, WithCalls(r.calls), WithHealth(r.health))
			r.run(t)
			if test.drained {
				if err := r.Drain(t.Context()); err != nil {
					t.Errorf("Drain() = %v, want nil", err)
				}
			}
			if test.resumed {
				if err := r.Resume(t.Context()); err != nil {
					t.Errorf("Resume() = %v, want nil", err)
				}
			}
			time.Sleep(time.Minute)
			r.recorder.reset()
			r.terminate()
			if err := <-r.result; err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
			if got := r.at(t, "GracefulStop"); (got - test.want).Abs() > 100*time.Millisecond {
				t.Errorf("drained before: %t, resumed: %t: GracefulStop after %v, want %v", test.drained, test.resumed, got, test.want)
			}
		})
	}
}

func TestDrainBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		go r.Drain(t.Context())
		time.Sleep(time.Minute)
		r.recorder.reset()
		started := make(chan error, 1)
		go func() { started <- r.Start(t.Context(), fakeListener{}.Addr()) }()
		time.Sleep(time.Minute)
		if s := r.Status(); s.State != Draining || s.Ready {
			t.Errorf("Status() = %+v, want draining: the drain by hand is in force", s)
		}
		wantEvents(t, r.recorder)
		if err := errors.Join(r.Resume(t.Context()), <-started); err != nil {
			t.Errorf("Resume() and Start() = %v, want nil", err)
		}
		if s := r.Status(); s.State != Serving || !s.Ready || !s.Registrars[0].Absent.IsZero() {
			t.Errorf("Status() = %+v, want serving, ready, and no absence", s)
		}
		r.Shutdown(t.Context())
	})
}

func TestResumeBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		go r.Drain(t.Context())
		time.Sleep(time.Minute)
		if err := r.Resume(t.Context()); err != nil || r.Status().State != Starting {
			t.Errorf("Resume() = %v, state %v; want nil, starting", err, r.Status().State)
		}
		if got := r.events(); slices.Contains(got, "health.Resume") || slices.Contains(got, "nacos.Register") {
			t.Errorf("events = %q, want nothing announced before Start", got)
		}
		r.Shutdown(t.Context())
	})
}

func TestShutdownDuringStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.reg.register = hang
		started := make(chan error, 1)
		go func() { started <- r.Start(t.Context(), fakeListener{}.Addr()) }()
		time.Sleep(time.Second)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown() = %v, want nil", err)
		}
		if err := <-started; !errors.Is(err, ErrStopping) {
			t.Errorf("Start() = %v, want ErrStopping", err)
		}
	})
}

// The end of a context by its deadline is a trigger like any other, and no budget.
func TestRunWhoseContextHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.Run(ctx, fakeListener{}); err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if got, want := r.Report().Trigger, "context: "+context.DeadlineExceeded.Error(); got != want {
			t.Errorf("Trigger = %q, want %q", got, want)
		}
	})
}
