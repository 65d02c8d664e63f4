// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

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
