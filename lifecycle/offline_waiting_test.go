// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// What an offline waits for, and until when, can be asked at any time.
func TestPhaseUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		if p := r.Status().Phase; p != nil {
			t.Errorf("Status().Phase = %+v while serving, want none", p)
		}
		began := time.Now()
		r.reg.delay = 2 * time.Second
		r.terminate()
		for _, want := range []struct {
			at    time.Duration
			name  string
			since time.Duration
			until time.Duration
		}{
			{time.Second, "withdraw", 0, withdrawLimit},
			{4 * time.Second, "settle", 2 * time.Second, 5 * time.Second},
			{5200 * time.Millisecond, "quiet", 5 * time.Second, 5*time.Second + QuietLimit},
		} {
			time.Sleep(time.Until(began.Add(want.at)))
			p := r.Status().Phase
			if p == nil || p.Name != want.name || p.Since.Sub(began) != want.since || p.Until.Sub(began) != want.until || p.Waits == "" {
				t.Errorf("after %v: Status().Phase = %+v (since %v, until %v), want %s since %v, until %v", want.at, p,
					p.Since.Sub(began), p.Until.Sub(began), want.name, want.since, want.until)
			}
		}
		<-r.result
		if p := r.Status().Phase; p != nil {
			t.Errorf("Status().Phase = %+v at the end, want none", p)
		}
	})
}

// A phase that waits for long says so, and how much is left.
func TestWaitingIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []time.Duration
		began := time.Now()
		r := newRig(t, WithLogger(slog.New(sink{line: func(l slog.Record) {
			l.Attrs(func(a slog.Attr) bool {
				if l.Message == "waiting" && a.Key == "phase" && a.Value.String() == "calls" {
					said = append(said, l.Time.Sub(began))
				}
				return true
			})
		}})), WithSettle(0), WithQuiet(0))
		r.run(t)
		r.calls.set(1, 0)
		began = time.Now()
		r.terminate()
		<-r.result
		first := worthALine + 600*time.Millisecond // withdraw comes before
		for n, at := range said {
			if want := first + time.Duration(n)*tellEvery; at < want-100*time.Millisecond || at > want+200*time.Millisecond {
				t.Errorf("line %d after %v, want about %v", n, at, want)
			}
		}
		if len(said) != 5 {
			t.Errorf("%d lines about calls in flight in a budget of 25 s, want 5", len(said))
		}
	})
}

// The whole life of an instance that loses nothing.
func TestACleanOfflineIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		r := newRig(t, WithLogger(slog.New(sink{line: func(l slog.Record) {
			if l.Level >= slog.LevelInfo {
				lines = append(lines, l.Message)
			}
		}})))
		r.run(t)
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if len(lines) > 12 {
			t.Errorf("%d lines at info, want 12 at the most: %q", len(lines), lines)
		}
	})
}
