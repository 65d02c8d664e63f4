// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// namedCalls can tell who calls.
type namedCalls struct {
	*fakeCalls
	callers []Caller
	oldest  []RPC
	unnamed int
}

func (c *namedCalls) Callers() []Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.callers)
}

func (c *namedCalls) Oldest(n int) ([]RPC, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.oldest[:min(n, len(c.oldest))]), c.unnamed
}

// call admits a late call now.
func (c *namedCalls) call(peer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.admitted++
	c.late++
	i := slices.IndexFunc(c.callers, func(known Caller) bool { return known.Peer == peer })
	if i < 0 {
		c.callers = append(c.callers, Caller{Peer: peer, Method: "/s/M", UserAgent: "a/1", First: time.Now()})
		i = len(c.callers) - 1
	}
	c.callers[i].Count++
	c.callers[i].Last = time.Now()
}

func newNamedRig(t *testing.T, opts ...Option) (*rig, *namedCalls) {
	var named *namedCalls
	r := newRig(t, append(opts, func(c *config) {
		named = &namedCalls{fakeCalls: c.calls.(*fakeCalls)}
		c.calls = named
	})...)
	return r, named
}

// The rig confirms after 600 ms and settles for 3 s.
func TestWasSettleRight(t *testing.T) {
	const confirmed, settled = 600 * time.Millisecond, 3600 * time.Millisecond
	for _, c := range []struct {
		name                  string
		late                  []time.Duration // after the trigger
		opts                  []Option
		before, during, after uint64
		propagation           time.Duration
		advice                []string // parts of it; nil: none
	}{
		{name: "nobody"},
		{name: "until confirmed", late: []time.Duration{0, 500 * time.Millisecond}, before: 2},
		{name: "early in settle", late: []time.Duration{0, confirmed + time.Second}, before: 1, during: 1, propagation: time.Second},
		{
			name: "in its last fifth", late: []time.Duration{confirmed + 2700*time.Millisecond}, during: 1,
			propagation: 2700 * time.Millisecond, advice: []string{"2.701s after the confirmed absence", "settle is 3s", "WithSettle(3.5s)"},
		},
		{
			name: "after it", late: []time.Duration{confirmed + time.Second, settled + 100*time.Millisecond}, during: 1, after: 1,
			propagation: 3100 * time.Millisecond, advice: []string{"WithSettle(4s)"},
		},
		{
			name: "budget too small for it", late: []time.Duration{confirmed + 5400*time.Millisecond}, opts: []Option{WithBudget(11 * time.Second), WithSettle(5 * time.Second)}, after: 1,
			propagation: 5400 * time.Millisecond, advice: []string{"WithSettle(7s) and WithBudget(19s)"},
		},
		{name: "without settle", late: []time.Duration{0}, opts: []Option{WithSettle(0)}, before: 1},
		{name: "strict", late: []time.Duration{0}, opts: []Option{WithPolicy(Strict)}, before: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, calls := newNamedRig(t, c.opts...)
				r.run(t)
				began := time.Now()
				r.terminate()
				for _, at := range c.late {
					time.Sleep(time.Until(began.Add(at + time.Millisecond)))
					calls.call("10.0.0.1")
				}
				if err := <-r.result; err != nil {
					t.Errorf("Run() = %v, want nil", err)
				}
				got := r.Report().Settling
				if got.Before != c.before || got.During != c.during || got.After != c.after || got.Propagation.Round(10*time.Millisecond) != c.propagation {
					t.Errorf("settling %+v, want %d, %d, %d late calls and a propagation of %v", got, c.before, c.during, c.after, c.propagation)
				}
				for _, part := range c.advice {
					if !strings.Contains(got.Advice, part) {
						t.Errorf("advice %q, want %q in it", got.Advice, part)
					}
				}
				if c.advice == nil && got.Advice != "" {
					t.Errorf("advice %q, want none", got.Advice)
				}
				if (got.LastCaller != nil) != (len(c.late) > 0) {
					t.Errorf("the last caller is %+v", got.LastCaller)
				}
			})
		})
	}
}

// A longer settle does not help a caller that does not listen.
func TestAdviceForACallerThatIsPinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, calls := newNamedRig(t)
		r.run(t)
		r.terminate()
		pinned := time.NewTicker(100 * time.Millisecond)
		defer pinned.Stop()
		for over := false; !over; {
			select {
			case err := <-r.result:
				over = true
				if err != nil {
					t.Errorf("Run() = %v, want nil", err)
				}
			case <-pinned.C:
				calls.call("10.0.0.1")
			}
		}
		got := r.Report()
		if advice := got.Settling.Advice; !strings.Contains(advice, "10.0.0.1, /s/M, a/1") || !strings.Contains(advice, "it does not help a caller that follows no registry") {
			t.Errorf("advice %q, want it to name the caller and that settle does not help", advice)
		}
		if len(got.Callers) != 1 || got.Callers[0].Count < 80 {
			t.Errorf("callers %+v, want the one", got.Callers)
		}
		if text := got.String(); !strings.Contains(text, "10.0.0.1, /s/M, a/1") || !strings.Contains(text, "Nothing was cut") {
			t.Errorf("String() = %q", text)
		}
	})
}

// Status and the lines name who calls, and what is waited for.
func TestWhatIsWaitedForHasNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := map[string]map[string]any{}
		r, calls := newNamedRig(t, WithLogger(slog.New(sink{line: func(l slog.Record) {
			attrs := map[string]any{}
			l.Attrs(func(a slog.Attr) bool { attrs[a.Key] = a.Value.Any(); return true })
			if _, known := lines[l.Message]; !known || attrs["phase"] == phaseName("calls") {
				lines[l.Message] = attrs
			}
		}})))
		r.run(t)
		calls.call("10.0.0.9")
		if s := r.Status(); len(s.Callers)+len(s.Oldest) > 0 {
			t.Errorf("while serving: callers %+v, oldest %+v; want nothing", s.Callers, s.Oldest)
		}
		calls.callers, calls.late = nil, 0
		r.calls.set(2, 0)
		calls.oldest, calls.unnamed = []RPC{{Method: "/s/Slow", Peer: "10.0.0.1", Began: time.Now()}, {Method: "/s/M", Peer: "10.0.0.2", Began: time.Now()}}, 1
		r.terminate()
		time.Sleep(time.Second)
		calls.call("10.0.0.2")
		synctest.Wait()
		s := r.Status()
		if len(s.Callers) != 1 || s.Callers[0].Peer != "10.0.0.2" || len(s.Oldest) != 2 || s.Unnamed != 1 {
			t.Errorf("callers %+v, oldest %+v, %d without a name; want one, two, one", s.Callers, s.Oldest, s.Unnamed)
		}
		time.Sleep(8 * time.Second)
		r.calls.set(0, 0)
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if got := lines["waiting"]; got["method"] != "/s/Slow" || got["peer"] != "10.0.0.1" || got["unnamed"] != int64(1) || len(got["rpcs"].([]string)) != 2 {
			t.Errorf("waiting %v, want the oldest RPC by name", got)
		}
		if got, _ := lines["late calls"]["callers"].([]string); len(got) != 1 || got[0] != "1 from 10.0.0.2, /s/M, a/1" {
			t.Errorf("late calls %v, want the caller", lines["late calls"])
		}
		ends, _ := lines["offline ends"]["report"].(Report)
		if len(ends.Callers) != 1 {
			t.Errorf("offline ends %v, want the caller", lines["offline ends"])
		}
	})
}

func TestReportInSentences(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	last := Caller{Peer: "orders", Method: "/s/M", Count: 3, Last: began.Add(2 * time.Second)}
	for want, r := range map[string]Report{
		"There was no offline.": {},
		"The offline began at 2026-01-02T03:04:05Z (drain by hand) and goes on. No call was admitted after the trigger. Nothing was cut or refused.": {
			Began: began, Trigger: "drain by hand",
		},
		"The offline began at 2026-01-02T03:04:05Z (signal terminated), took 8.21s, and ended: forced. " +
			"Registrars: nacos is withdrawn since 35ms after the trigger. " +
			"After the trigger 4 calls were admitted: 1 until the absence was confirmed, 3 during settle (3s), 0 after it. " +
			"The last one came 1.97s after the confirmed absence, from orders, /s/M. Advice: wait longer. " +
			"GracefulStop began 3.6s after the trigger, with 2 unary calls and 1 stream in flight at the trigger. " +
			"What clients may have noticed: 1 stream ended early, with a status, 2 unary calls cut. " +
			"Not returned in time: Stop of server 1. Error: forced.": {
			Began: began, Trigger: "signal terminated", Took: 8210 * time.Millisecond, Outcome: OutcomeForced,
			Registrars: []RegistrarStatus{{Name: "nacos", State: Withdrawn, Absent: began.Add(35 * time.Millisecond)}},
			Settling:   Settling{Settle: 3 * time.Second, Before: 1, During: 3, LastCaller: &last, Propagation: 1965 * time.Millisecond, Advice: "wait longer"},
			Phases:     []Phase{{Name: "goaway", After: 3600 * time.Millisecond}}, AtTrigger: Counts{Unary: 2, Streams: 1},
			StreamsEnded: 1, CallsCut: 2, Abandoned: []string{"Stop of server 1"}, Error: "forced",
		},
	} {
		if got := r.String(); got != want {
			t.Errorf("String()\n got %q\nwant %q", got, want)
		}
	}
}

// A Report does not claim what nobody has counted, and does not call a refusal nothing.
func TestReportOfWhatIsNotKnown(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		report  Report
		in, out string
		atWarn  bool
	}{
		{Report{Began: began, Uncounted: true}, "Calls were not counted", "Nothing was cut", false},
		{Report{Began: began, Forced: true, ConnectionsUnknown: true}, "connections cut that nobody counts", "Nothing was cut", true},
		{Report{Began: began, AtEnd: Counts{Refused: 3}}, "3 calls refused", "No call came", true},
	} {
		text := c.report.String()
		if !strings.Contains(text, c.in) || strings.Contains(text, c.out) {
			t.Errorf("String() = %q, want %q in it, and not %q", text, c.in, c.out)
		}
		if got := c.report.level() >= slog.LevelWarn; got != c.atWarn {
			t.Errorf("level of %q is %v", text, c.report.level())
		}
	}
}

// Where settle was not waited for, in this offline and to its end, late calls say nothing of it.
func TestNoAdviceWithoutASettle(t *testing.T) {
	for name, way := range map[string]func(*testing.T, *rig, *namedCalls){
		"drained long before": func(t *testing.T, r *rig, calls *namedCalls) {
			if err := r.Drain(t.Context()); err != nil {
				t.Error(err)
			}
			time.Sleep(10 * time.Minute)
			r.terminate()
			time.Sleep(100 * time.Millisecond)
			calls.call("10.0.0.1")
		},
		"forced": func(_ *testing.T, r *rig, calls *namedCalls) {
			r.terminate()
			time.Sleep(1600 * time.Millisecond)
			calls.call("10.0.0.1")
			r.Force()
		},
		"cut by a deadline": func(t *testing.T, r *rig, calls *namedCalls) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			time.AfterFunc(2400*time.Millisecond, func() { calls.call("10.0.0.1") })
			_ = r.Shutdown(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, calls := newNamedRig(t)
				r.run(t)
				way(t, r, calls)
				<-r.result
				if s := r.Report().Settling; s.Advice != "" || s.LastCaller == nil {
					t.Errorf("settling %+v, want a late call and no advice", s)
				}
			})
		})
	}
}

// What is advised is accepted.
func TestAdviceIsAccepted(t *testing.T) {
	for _, budget := range []time.Duration{8 * time.Second, DefaultBudget, time.Minute} {
		for _, opts := range [][]Option{nil, {WithSuccessor(time.Second)}, {WithOnStop(func(context.Context) error { return nil })}} {
			for settle := time.Duration(0); settle < 2*budget; settle += 700 * time.Millisecond {
				m := New(&fakeServer{}, append(opts, WithBudget(budget))...)
				advice := m.optionsFor(settle)
				var want, room time.Duration
				part, more, _ := strings.Cut(advice, " and WithBudget(")
				want, _ = time.ParseDuration(strings.TrimSuffix(strings.TrimPrefix(part, "WithSettle("), ")"))
				if room = budget; more != "" {
					room, _ = time.ParseDuration(strings.TrimSuffix(more, ")"))
				}
				if err := New(&fakeServer{}, append(opts, WithBudget(room), WithSettle(want))...).check(); err != nil || want < settle {
					t.Errorf("%s, asked for %v with a budget of %v: %v", advice, settle, budget, err)
				}
			}
		}
	}
}
