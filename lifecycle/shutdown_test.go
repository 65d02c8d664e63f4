// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Whoever calls it, there is one offline, and all hear what came of it.
func TestShutdownCallersShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithOnStop(func(context.Context) error { return errBroken }))
		r.run(t)
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- r.Shutdown(t.Context()) }()
		time.Sleep(time.Second)
		go func() { second <- r.Shutdown(t.Context()) }()

		cancelled, cancel := context.WithCancelCause(t.Context())
		cancel(errTerminate)
		began := time.Now()
		if err := r.Shutdown(cancelled); !errors.Is(err, errTerminate) || r.Status().State != Draining {
			t.Errorf("Shutdown() = %v in state %v, want the cause of its context, and the offline under way", err, r.Status().State)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("Shutdown took %v, want it to return at once when its context is cancelled", took)
		}
		short, cancelShort := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancelShort()
		if err := r.Shutdown(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown() = %v, want the cause of its context: its deadline is not the first caller's", err)
		}
		// GracefulStop begins after 4.1 s, and the offline ends in the second that is waited after the deadline.
		inTime, cancelInTime := context.WithTimeout(t.Context(), 4*time.Second-time.Since(r.began))
		defer cancelInTime()
		for n, err := range []error{r.Shutdown(inTime), <-first, <-second, <-r.result, r.Shutdown(t.Context())} {
			if !errors.Is(err, errBroken) {
				t.Errorf("caller %d of Shutdown got %v, want the error of the hook", n+1, err)
			}
		}
		wantEvents(t, r.recorder, "calls.Drain", "health.Drain", "nacos.Deregister", "nacos absent",
			"not ready", "GracefulStop", "health.EndWatches", "calls.TellStreams", "hook", "nacos.Close")
		for range 100 { // what it came to is worth more than the cause
			if err := r.Shutdown(cancelled); !errors.Is(err, errBroken) {
				t.Fatalf("Shutdown() after the end = %v, want the error of the hook", err)
			}
		}
	})
}

// There is no way back from Shutdown, neither while the instance drains nor while it stops.
func TestResumeAfterThePointOfNoReturn(t *testing.T) {
	for state, after := range map[State]time.Duration{Draining: 2 * time.Second, Stopping: 5 * time.Second} {
		t.Run(state.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.run(t)
				if err := r.Drain(t.Context()); err != nil { // so that there is something to take back
					t.Fatal(err)
				}
				if err := r.Resume(t.Context()); err != nil {
					t.Fatal(err)
				}
				r.calls.set(1, 0)
				r.terminate()
				time.Sleep(after)
				if got := r.Status().State; got != state {
					t.Fatalf("State = %v, want %v", got, state)
				}
				r.recorder.reset()
				if err := r.Resume(t.Context()); !errors.Is(err, ErrStopping) {
					t.Errorf("Resume() = %v, want ErrStopping", err)
				}
				if err := r.Drain(t.Context()); !errors.Is(err, ErrStopping) {
					t.Errorf("Drain() = %v, want ErrStopping", err)
				}
				if got := r.Status().State; got != state {
					t.Errorf("State = %v afterwards, want %v", got, state)
				}
				wantEvents(t, r.recorder)
				r.calls.set(0, 0)
				if err := <-r.result; err != nil {
					t.Errorf("Run() = %v, want nil", err)
				}
			})
		})
	}
}

func TestStartTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		if err := r.Start(t.Context(), fakeListener{}.Addr()); err != nil {
			t.Fatal(err)
		}
		r.recorder.reset()
		if err := r.Start(t.Context(), fakeListener{}.Addr()); err == nil || err.Error() != "lifecycle: start: Start was called twice" {
			t.Errorf("second Start() = %v, want an error that says so", err)
		}
		if err := r.Run(t.Context(), fakeListener{}); err == nil || err.Error() != "lifecycle: run: Start was called before" {
			t.Errorf("Run() = %v, want an error that says so", err)
		}
		wantEvents(t, r.recorder)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown() = %v, want nil", err)
		}
		if err := r.Start(t.Context(), fakeListener{}.Addr()); !errors.Is(err, ErrStopping) {
			t.Errorf("Start() after the end = %v, want ErrStopping", err)
		}
	})
}
