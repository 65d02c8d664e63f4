// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestSteadyTrafficEndsAtTheQuietLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		done := make(chan struct{})
		go func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(100 * time.Millisecond):
					r.calls.admit(1)
				}
			}
		}()
		r.terminate()
		err := <-r.result
		close(done)
		if err != nil {
			t.Errorf("Run() = %v, want nil: GOAWAY moves whoever still calls", err)
		}
		if got, want := r.at(t, "GracefulStop"), 3600*time.Millisecond+QuietLimit; got < want-100*time.Millisecond || got > want+100*time.Millisecond {
			t.Errorf("GracefulStop after %v, want %v", got, want)
		}
	})
}

func TestQuietStartsAgainAfterALateLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		looks := 0
		stall := func() uint64 {
			looks++
			if looks == 5 {
				time.Sleep(400 * time.Millisecond) // the machine stands still
			}
			return 7
		}
		if !awaitQuiet(t.Context(), 500*time.Millisecond, began.Add(time.Minute), stall) {
			t.Fatal("awaitQuiet() = false, want true")
		}
		if got := time.Since(began); got < 1050*time.Millisecond {
			t.Errorf("quiet after %v, want the window to start again after the stall", got)
		}
	})
}

func TestCallInFlightIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.calls.set(1, 0)
		r.terminate()
		go func() {
			time.Sleep(15 * time.Second)
			r.add("call ends")
			r.calls.set(0, 0)
		}()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if end, hook := r.at(t, "call ends"), r.at(t, "hook"); hook < end {
			t.Errorf("hook at %v, want it after the end of the call at %v", hook, end)
		}
	})
}

func TestStreamsAreEndedSpreadOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.calls.set(0, 100)
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		told := r.at(t, "calls.TellStreams")
		first, last := r.calls.ended[0], r.calls.ended[99]
		if got := first - told; got != DefaultStreamGrace {
			t.Errorf("first stream ended %v after it was told, want %v", got, DefaultStreamGrace)
		}
		if got := last - first; got < streamSpread*9/10 || got > streamSpread {
			t.Errorf("streams ended within %v, want about %v", got, streamSpread)
		}
		if got := r.Report().StreamsEnded; got != 100 {
			t.Errorf("Report.StreamsEnded = %d, want 100", got)
		}
	})
}

// Time goes on while it is looked at, and a timer is late: what fake time hides.
func TestQuietOnAClockThatMoves(t *testing.T) {
	for _, tt := range []struct{ quiet, room, look time.Duration }{
		{500 * time.Millisecond, 500 * time.Millisecond, time.Microsecond}, // all that a small budget has
		{10 * time.Second, 5 * time.Second, time.Microsecond},
		{10 * time.Microsecond, 5 * time.Second, 1900 * time.Microsecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			limit := time.Now().Add(tt.room)
			time.Sleep(time.Microsecond)
			silence := func() uint64 { time.Sleep(tt.look); return 7 }
			if !awaitQuiet(t.Context(), tt.quiet, limit, silence) {
				t.Errorf("awaitQuiet() of %v in %v = false after %v, want true", tt.quiet, tt.room, time.Until(limit))
			}
			if time.Now().After(limit.Add(10 * time.Millisecond)) {
				t.Errorf("awaitQuiet() of %v returned %v after the limit", tt.quiet, time.Since(limit))
			}
		})
	}
}

// A distant client hears GOAWAY late, and its stream is admitted until then.
func TestStreamThatComesAfterGoAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithStreamGrace(time.Second))
		r.run(t)
		r.calls.set(1, 0) // keeps GracefulStop waiting
		r.terminate()
		time.Sleep(4100*time.Millisecond + goAwayLead + 200*time.Millisecond)
		r.at(t, "GracefulStop")
		r.calls.set(0, 1)
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		told := r.at(t, "calls.TellStreams")
		if len(r.calls.ended) != 1 || r.calls.ended[0]-told < time.Second || r.calls.ended[0]-told > 1200*time.Millisecond {
			t.Errorf("ended %v, told %v: want the grace of 1 s between them", r.calls.ended, told)
		}
		if got := r.Report().StreamsEnded; got != 1 {
			t.Errorf("Report.StreamsEnded = %d, want 1", got)
		}
	})
}

// The grace counts from when they were told.
func TestStreamsToldEarlyAreEndedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithStreamNotice(AtWithdrawn), WithStreamGrace(2*time.Second))
		r.run(t)
		r.calls.set(0, 1)
		r.terminate()
		<-r.result
		told := r.at(t, "calls.TellStreams")
		if got := r.calls.ended[0] - told; got != 2*time.Second {
			t.Errorf("ended %v after it was told, want 2 s", got)
		}
	})
}
