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

// Without a registrar settle is counted from the trigger, or from the drain before it.
func TestSettleWithoutARegistrar(t *testing.T) {
	for _, drained := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.Manager = New(r.server, WithCalls(r.calls), WithHealth(r.health))
			r.run(t)
			want := UnknownSettle + DefaultQuiet
			if drained {
				if err := r.Drain(t.Context()); err != nil {
					t.Errorf("Drain() = %v, want nil", err)
				}
				want = DefaultQuiet
			}
			r.recorder.reset()
			r.terminate()
			if err := <-r.result; err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
			if got := r.at(t, "GracefulStop"); (got - want).Abs() > 100*time.Millisecond {
				t.Errorf("drained before: %t: GracefulStop after %v, want %v", drained, got, want)
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

func TestReportIsOfTheLastOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		for range 2 {
			began := time.Now()
			if err := r.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := r.Report(); !got.Began.Equal(began) || got.Outcome != OutcomeDrained {
				t.Errorf("Report began %v with outcome %q, want %v, drained", got.Began, got.Outcome, began)
			}
			if err := r.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s := r.Status().Registrars[0]; !s.Absent.IsZero() {
				t.Errorf("absent since %v, want never: it is registered", s.Absent)
			}
		}
		r.terminate()
		<-r.result
	})
}
