// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"testing"
	"time"
)

// TestPlan lays budgets out; all values are milliseconds from the trigger.
func TestPlan(t *testing.T) {
	tests := []struct {
		budget, withdraw, half, stop, force, forceWait, stopWait time.Duration
	}{
		{25_000, 5000, 12_500, 20_000, 24_000, 500, 200},
		{60_000, 5000, 30_000, 55_000, 59_000, 500, 200},
		{10_000, 2000, 5000, 8000, 9000, 500, 200},
		{5000, 1000, 2500, 4000, 4500, 250, 100},
		{1000, 200, 500, 800, 900, 50, 25},
		{0, 0, 0, 0, 0, 25, 25},
	}
	for _, tt := range tests {
		trigger := time.Now()
		at := func(ms time.Duration) time.Time { return trigger.Add(ms * time.Millisecond) }
		p := newPlan(trigger, tt.budget*time.Millisecond, false)
		for _, c := range []struct {
			name      string
			got, want time.Time
		}{
			{"withdrawBy", p.withdrawBy, at(tt.withdraw)},
			{"half", p.half, at(tt.half)},
			{"stopBy", p.stopBy, at(tt.stop)},
			{"forceAt", p.forceAt, at(tt.force)},
			{"end", p.end, at(tt.budget)},
			{"forceWait", trigger.Add(p.forceWait), at(tt.forceWait)},
			{"stopWait", trigger.Add(p.stopWait), at(tt.stopWait)},
			{"streamsBy, grace left", p.streamsBy(trigger, tt.budget/10*time.Millisecond), at(tt.budget / 10)},
			{"streamsBy, too much grace", p.streamsBy(trigger, time.Hour), at(tt.stop)},
			{"quietBy", p.quietBy(trigger), at(min(5000, tt.budget/5))},
			{"quietBy, late", p.quietBy(at(tt.stop)), at(tt.stop)},
		} {
			if !c.got.Equal(c.want) {
				t.Errorf("budget %d ms: %s is at %v, want %v", tt.budget, c.name, c.got.Sub(trigger), c.want.Sub(trigger))
			}
		}
		hooks := newPlan(trigger, tt.budget*time.Millisecond, true)
		if kept := min(hooksKept, tt.budget*time.Millisecond/5); !hooks.forceAt.Equal(p.forceAt.Add(-kept)) || !hooks.stopBy.Equal(p.stopBy.Add(-kept)) || !hooks.end.Equal(p.end) {
			t.Errorf("budget %d ms with hooks: %+v, want %v kept of %+v", tt.budget, hooks, kept, p)
		}
		if p.end.Before(p.forceAt.Add(p.forceWait+2*p.stopWait)) && tt.budget >= 1000 {
			t.Errorf("budget %d ms: the forced stop takes until %v, want inside the budget", tt.budget, p.forceAt.Add(p.forceWait+2*p.stopWait).Sub(trigger))
		}
	}
}
