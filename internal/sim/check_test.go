// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"reflect"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

func TestScheduleIsDecidedBySeed(t *testing.T) {
	for seed := range uint64(50) {
		if a, b := NewSchedule(seed), NewSchedule(seed); !reflect.DeepEqual(a, b) {
			t.Fatalf("NewSchedule(%d) = %+v, then %+v", seed, a, b)
		}
	}
	if reflect.DeepEqual(NewSchedule(1), NewSchedule(2)) {
		t.Error("NewSchedule(1) and NewSchedule(2) are equal")
	}
}

func TestOnce(t *testing.T) {
	on := func(instances ...int) (all []*execution) {
		for _, i := range instances {
			all = append(all, &execution{instance: i})
		}
		return all
	}
	for _, test := range []struct {
		name       string
		verdict    verdict
		answeredBy int
		executions []*execution
		breaks     bool
	}{
		{"answered", answered, 1, on(1), false},
		{"answered by another", answered, 2, on(1), true},
		{"answered and not run", answered, 1, nil, true},
		{"run twice", answered, 1, on(1, 2), true},
		{"cut after it ran", cut, 0, on(1), false},
		{"cut after it ran twice", cut, 0, on(1, 2), true},
		{"refused", refused, 0, nil, false},
		{"refused and run", refused, 0, on(1), true},
		{"not dialled and run", undialled, 0, on(1), true},
		{"abandoned and not run", abandoned, 0, nil, true},
	} {
		var r Result
		r.once(&outcome{verdict: test.verdict, answeredBy: test.answeredBy}, test.executions)
		if got := len(r.Broken) > 0; got != test.breaks {
			t.Errorf("%s: once() broke %q, want broken %v", test.name, r.Broken, test.breaks)
		}
	}
}

func TestUnaccounted(t *testing.T) {
	now := time.Now()
	gone := func(report lifecycle.Report, forced bool) *instance {
		i := &instance{id: 1, at: endpoint{"a", 1}, schedule: &Schedule{}, observations: observations{trigger: now, report: report}}
		if forced {
			i.forcedAt = now
		}
		return i
	}
	ran := []*execution{{instance: 1}}
	for _, test := range []struct {
		name       string
		verdict    verdict
		instance   *instance
		executions []*execution
		lost       bool
	}{
		{"refused dial after a confirmed offline", undialled, gone(lifecycle.Report{}, false), nil, true},
		{"refused dial after an unconfirmed offline", undialled, gone(lifecycle.Report{Unconfirmed: true}, false), nil, false},
		{"refused dial after a second signal", undialled, gone(lifecycle.Report{Forced: true}, true), nil, false},
		{"refused dial after the budget ran out", undialled, gone(lifecycle.Report{Forced: true}, false), nil, true},
		{"cut by force", cut, gone(lifecycle.Report{Forced: true}, false), ran, false},
		{"cut before it began", cut, gone(lifecycle.Report{Forced: true}, false), nil, true},
		{"cut without force", cut, gone(lifecycle.Report{Unconfirmed: true}, false), ran, true},
		{"refused without force", refused, gone(lifecycle.Report{}, false), nil, true},
		{"never answered", timedOut, gone(lifecycle.Report{Forced: true}, true), ran, true},
	} {
		w := world{registry: newRegistry(Schedule{})}
		o := &outcome{verdict: test.verdict, instance: 1, gone: 1}
		why := w.unaccounted(o, test.executions, map[int]*instance{1: test.instance})
		if got := why != ""; got != test.lost {
			t.Errorf("%s: unaccounted() = %q, want lost %v", test.name, why, test.lost)
		}
	}
}
