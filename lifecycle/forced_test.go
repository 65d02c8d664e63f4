// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSecondSignalForces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		signals := make(chan osSignal, 2)
		r.Manager.signalled = signals
		r.run(t)
		r.calls.set(2, 1)
		signals <- os.Interrupt
		time.Sleep(signalApart + 1)
		signals <- os.Interrupt
		err := <-r.result
		if !errors.Is(err, ErrForcedStop) || !strings.Contains(err.Error(), "2 unary calls and 1 streams in flight") {
			t.Errorf("Run() = %v, want ErrForcedStop with what was in flight", err)
		}
		if got := time.Since(r.began); got > 3*time.Second {
			t.Errorf("Run took %v, want about 1.5 s", got)
		}
		wantEvents(t, r.recorder,
			"calls.Drain", "health.Drain",
			"nacos.Deregister", "nacos absent",
			"not ready", "GracefulStop", "health.EndWatches", "calls.TellStreams",
			"calls.Refuse", "calls.AbandonCalls", "Stop",
			"hook", "nacos.Close")
		if got := r.Report(); !got.Forced || got.Outcome != OutcomeForced || got.StreamsEnded != 1 || got.CallsCut != 2 || got.StreamsCut != 0 {
			t.Errorf("Report = %+v, want forced, 1 stream ended, 2 calls and 0 streams cut", got)
		}
		if !errors.Is(err, errForce) {
			t.Errorf("Run() = %v, want it to say who forced", err)
		}
	})
}

// The platform sends its one SIGTERM also to an instance that is on its way already.
func TestFirstSignalAfterAnotherTriggerForcesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		signals := make(chan osSignal, 2)
		r.Manager.signalled = signals
		r.run(t)
		r.calls.set(1, 0)
		go r.Shutdown(t.Context())
		time.Sleep(time.Second)
		signals <- os.Interrupt
		time.Sleep(8 * time.Second)
		select {
		case err := <-r.result:
			t.Fatalf("Run() = %v, want it to wait for the call", err)
		default:
		}
		signals <- os.Interrupt
		if err := <-r.result; !errors.Is(err, ErrForcedStop) || time.Since(r.began) > 11*time.Second {
			t.Errorf("Run() = %v after %v, want the second signal to force", err, time.Since(r.began))
		}
	})
}

// A Stop that hangs leaves no other server running.
func TestForcedStopStopsEveryServer(t *testing.T) {
	for hanging := range 2 {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			hang := make(chan struct{})
			second := &fakeServer{recorder: r.recorder, name: "second.", stopped: make(chan struct{})}
			WithServer(second, fakeListener{})(&r.config)
			[]*fakeServer{r.server, second}[hanging].hang = hang
			r.run(t)
			r.calls.set(1, 0)
			r.terminate()
			if err := <-r.result; !errors.Is(err, ErrForcedStop) {
				t.Errorf("Run() = %v, want ErrForcedStop", err)
			}
			r.at(t, "Stop")
			r.at(t, "second.Stop")
			want, not := fmt.Sprintf("Stop of server %d", hanging+1), fmt.Sprintf("Stop of server %d", 2-hanging)
			if got := r.Report().Abandoned; !slices.Contains(got, want) || slices.Contains(got, not) {
				t.Errorf("Report.Abandoned = %q, want the %s only", got, want)
			}
			close(hang)
			r.calls.set(0, 0)
		})
	}
}

func TestShutdownDeadlineShortensTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.calls.set(1, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err := r.Shutdown(ctx)
		if !errors.Is(err, ErrForcedStop) {
			t.Errorf("Shutdown() = %v, want ErrForcedStop", err)
		}
		if got := time.Since(r.began); got > 6*time.Second {
			t.Errorf("Shutdown took %v, want at most 6 s", got)
		}
		if err := <-r.result; !errors.Is(err, ErrForcedStop) {
			t.Errorf("Run() = %v, want what Shutdown returned", err)
		}
	})
}

// An answer that is on its way must leave before Stop cuts the connection, and what was answered is not cut.
func TestForcedStopLetsAnswersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.server.linger = 300 * time.Millisecond
		r.run(t)
		r.calls.set(2, 0)
		r.calls.answerable = 2
		r.Force()
		if err := <-r.result; !errors.Is(err, ErrForcedStop) {
			t.Errorf("Run() = %v, want ErrForcedStop", err)
		}
		if got := r.events(); slices.Contains(got, "Stop") {
			t.Errorf("events = %q, want no Stop: GracefulStop is over in time", got)
		}
		if got := r.Report(); got.CallsAnswered != 2 || got.CallsCut != 0 || len(got.Abandoned) > 0 {
			t.Errorf("Report = %+v, want 2 calls answered, none cut, nothing abandoned", got)
		}
	})
}

// A deadline later than the budget lengthens nothing, and Status says when it is over.
func TestDeadlineOfShutdownLaterThanTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.calls.set(1, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		go func() {
			time.Sleep(time.Second)
			if got := r.Status().Deadline; !got.Equal(r.began.Add(DefaultBudget)) {
				t.Errorf("Status().Deadline = %v, want the end of the budget", got)
			}
		}()
		if err := r.Shutdown(ctx); !errors.Is(err, ErrForcedStop) || time.Since(r.began) > DefaultBudget {
			t.Errorf("Shutdown() = %v after %v, want ErrForcedStop within the budget", err, time.Since(r.began))
		}
		<-r.result
	})
}

// To skip what is left of settle is forced, too: clients may not have heard.
func TestForceWithNothingInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.Force()
		if err := <-r.result; !errors.Is(err, ErrForcedStop) {
			t.Errorf("Run() = %v, want ErrForcedStop", err)
		}
		if got := r.Report(); got.Outcome != OutcomeForced || !got.Forced {
			t.Errorf("Report = %+v, want forced", got)
		}
		if got := r.events(); slices.Contains(got, "Stop") {
			t.Errorf("events = %q, want no Stop of a server that has stopped", got)
		}
	})
}
