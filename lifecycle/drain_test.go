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

func TestDrainAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		if err := r.Drain(t.Context()); err != nil {
			t.Errorf("Drain() = %v, want nil", err)
		}
		if got, want := time.Since(r.began), 4100*time.Millisecond; got < want || got > want+100*time.Millisecond {
			t.Errorf("Drain took %v, want %v", got, want)
		}
		if s := r.Status(); s.State != Draining || s.Ready || !slices.Equal(s.Causes, []string{"by hand"}) {
			t.Errorf("Status() = %+v, want draining by hand and not ready", s)
		}
		if err := r.Resume(t.Context()); err != nil {
			t.Errorf("Resume() = %v, want nil", err)
		}
		if s := r.Status(); s.State != Serving || !s.Ready || s.Causes != nil {
			t.Errorf("Status() = %+v, want serving and ready", s)
		}
		wantEvents(t, r.recorder,
			"calls.Drain", "health.Drain", "not ready", "nacos.Deregister", "nacos absent", "health.Shutdown",
			"calls.Resume", "health.Resume", "ready", "nacos.Register", "nacos listed")
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}

func TestDrainCallersShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- r.Drain(t.Context()) }()
		time.Sleep(time.Second)
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Drain(impatient); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain() = %v, want the cause of its context", err)
		}
		go func() { second <- r.Drain(t.Context()) }()
		if err := errors.Join(<-first, <-second); err != nil {
			t.Errorf("Drain() = %v, want nil for both", err)
		}
		wantEvents(t, r.recorder, "calls.Drain", "health.Drain", "not ready", "nacos.Deregister", "nacos absent", "health.Shutdown")
		r.terminate()
		<-r.result
	})
}

// The quiet limit of a drain that stays does not depend on the budget of a stop.
func TestDrainWithASmallBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithBudget(4*time.Second), WithSettle(0))
		r.run(t)
		until := time.Now().Add(QuietLimit - time.Second)
		go func() {
			for time.Now().Before(until) {
				r.calls.admit(1)
				time.Sleep(100 * time.Millisecond)
			}
		}()
		if err := r.Drain(t.Context()); err != nil {
			t.Errorf("Drain() = %v, want nil: quiet within the limit of %v", err, QuietLimit)
		}
		r.terminate()
		<-r.result
	})
}

func TestDrainNotQuietStaysDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for pause(ctx, time.Now().Add(200*time.Millisecond)) {
				r.calls.admit(1)
			}
		}()
		if err := r.Drain(t.Context()); !errors.Is(err, ErrNotQuiet) {
			t.Errorf("Drain() = %v, want ErrNotQuiet", err)
		}
		phases := r.Report().Phases
		if i := slices.IndexFunc(phases, func(p Phase) bool { return p.Name == "quiet" }); i < 0 || phases[i].Took > QuietLimit {
			t.Errorf("phases = %+v, want quiet waited for %v at the most", phases, QuietLimit)
		}
		if got := r.Status().State; got != Draining {
			t.Errorf("State = %v, want draining", got)
		}
		cancel()
		began := time.Now()
		if err := r.Drain(t.Context()); err != nil {
			t.Errorf("second Drain() = %v, want nil", err)
		}
		if got := time.Since(began); got > time.Second {
			t.Errorf("second Drain took %v, want just the quiet time: the instance was withdrawn before", got)
		}
		r.terminate()
		<-r.result
	})
}

// TestResumeInEveryPhase takes a drain back at many moments: the instance serves and is listed every time.
func TestResumeInEveryPhase(t *testing.T) {
	for _, after := range []time.Duration{0, 1, 300 * time.Millisecond, 600 * time.Millisecond, 2 * time.Second, 3700 * time.Millisecond, 4100 * time.Millisecond, time.Minute} {
		for _, policy := range []Policy{Lossless, Strict} {
			t.Run(policy.String()+" "+after.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, WithPolicy(policy))
					r.run(t)
					drained := make(chan error, 1)
					go func() { drained <- r.Drain(t.Context()) }()
					time.Sleep(after)
					synctest.Wait()
					over := len(drained) == 1
					if err := r.Resume(t.Context()); err != nil {
						t.Fatalf("Resume() = %v, want nil", err)
					}
					if err := <-drained; over == (err != nil) || !over && !errors.Is(err, ErrResumed) {
						t.Errorf("Drain() = %v, over = %t, want ErrResumed if it was not over", err, over)
					}
					time.Sleep(time.Minute)
					events := r.events()
					if s := r.Status(); s.State != Serving || s.Registrars[0].State != Registered {
						t.Errorf("Status() = %+v, want serving and registered", s)
					}
					if lastOf(events, "health.Resume") < lastOf(events, "health.Drain", "health.Shutdown", "health.CloseTraffic") || lastOf(events, "calls.Resume") < lastOf(events, "calls.Refuse") {
						t.Errorf("events = %q, want the resumes last", events)
					}
					if lastOf(events, "nacos.Register") < lastOf(events, "nacos.Deregister") {
						t.Errorf("events = %q, want Register last", events)
					}
					r.terminate()
					<-r.result
				})
			})
		}
	}
}

func lastOf(events []string, what ...string) int {
	for i, e := range slices.Backward(events) {
		if slices.Contains(what, e) {
			return i
		}
	}
	return -1
}
