// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// withdrawnAt runs an offline and returns when it begins to withdraw, and its report.
func (r *rig) withdrawnAt(t *testing.T) (time.Duration, Report) {
	t.Helper()
	r.terminate()
	if err := <-r.result; err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	return r.at(t, "nacos.Deregister"), r.Report()
}

func near(got, want time.Duration) bool { return (got - want).Abs() <= 2*othersPoll }

// Settle is 3 s and the budget 25 s.
func TestSuccessorSettlesFirst(t *testing.T) {
	const second = time.Second
	for _, test := range []struct {
		name string
		ages []time.Duration // of the others at the trigger; zero: of the first list
		opts []Option
		want time.Duration // until withdraw begins
		says bool          // the Report has the phase although it took no time
	}{
		{name: "nobody else", want: 0},
		{name: "all are old", ages: []time.Duration{0, 5 * second}, want: 0},
		{name: "the only other one is young", ages: []time.Duration{second}, want: 2 * second},
		{name: "just listed", ages: []time.Duration{1}, want: 3 * second},
		{name: "as many old ones", ages: []time.Duration{0, second}, want: 2 * second},
		{name: "the old ones outnumber", ages: []time.Duration{0, 0, second}, want: 0},
		{name: "blue and green", ages: []time.Duration{0, 2 * second, second}, want: second},
		{name: "at most half the budget without settle", ages: []time.Duration{second}, opts: []Option{WithSettle(12 * second)}, want: second / 2},
		{name: "settle leaves no time", ages: []time.Duration{second}, opts: []Option{WithSettle(15 * second)}, want: 0, says: true},
		{name: "strict", ages: []time.Duration{second}, opts: []Option{WithPolicy(Strict)}, want: 2 * second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, others := newListingRig(t, test.opts...)
				r.run(t)
				others.set(test.ages...)
				at, report := r.withdrawnAt(t)
				if !near(at, test.want) {
					t.Errorf("withdraw began after %v, want %v", at, test.want)
				}
				phased := slices.ContainsFunc(report.Phases, func(p Phase) bool { return p.Name == "successor" })
				if phased != (test.want > 0 || test.says) {
					t.Errorf("phases = %+v, want the phase successor only where there was something to wait for", report.Phases)
				}
			})
		})
	}
}

// The shares of withdraw, and of Strict's refuse, count from the end of successor.
func TestSharesCountFromTheEndOfSuccessor(t *testing.T) {
	for _, policy := range []Policy{Lossless, Strict} {
		synctest.Test(t, func(t *testing.T) {
			r, others := newListingRig(t, WithPolicy(policy))
			r.reg.deregister = hang
			r.run(t)
			others.set(time.Millisecond)
			r.terminate()
			if err := <-r.result; err == nil {
				t.Error("Run() = nil, want that the absence is not confirmed")
			}
			report := r.Report()
			next := report.Phases[slices.IndexFunc(report.Phases, func(p Phase) bool { return p.Name == "withdraw" })]
			if got := next.After + next.Took; !near(got, r.reg.settle+withdrawLimit) {
				t.Errorf("%v: withdraw ended %v after the trigger, want %v", policy, got, r.reg.settle+withdrawLimit)
			}
			if policy == Strict && r.at(t, "calls.Refuse") < r.reg.settle+withdrawLimit-2*othersPoll {
				t.Errorf("calls were refused after %v, want %v", r.at(t, "calls.Refuse"), r.reg.settle+withdrawLimit)
			}
		})
	}
}

// Who is not usable is nobody, for consumers.
func TestUnusableOthersAreNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, others := newListingRig(t)
		r.run(t)
		others.set(time.Second, 0)
		for n := range others.list {
			others.list[n].Usable = false
		}
		if at, _ := r.withdrawnAt(t); at != 0 {
			t.Errorf("withdraw began after %v, want at once", at)
		}
	})
}

func TestWithSuccessorWaitsForSomebody(t *testing.T) {
	for _, test := range []struct {
		name  string
		wait  time.Duration // WithSuccessor
		comes time.Duration // zero: nobody does
		want  time.Duration
		alone bool
	}{
		{"nobody comes", 4 * time.Second, 0, 4 * time.Second, true},
		{"somebody comes, and settles", 4 * time.Second, time.Second, 4 * time.Second, false},
		{"nobody comes within half the budget without settle", time.Minute, 0, 9500 * time.Millisecond, true},
		{"somebody comes late", time.Minute, 9 * time.Second, 9500 * time.Millisecond, false},
		{"not asked for", 0, time.Second, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, others := newListingRig(t, WithSuccessor(test.wait))
				r.run(t)
				if test.comes > 0 {
					time.AfterFunc(test.comes, func() { others.set(time.Nanosecond) })
				}
				at, report := r.withdrawnAt(t)
				if !near(at, test.want) {
					t.Errorf("withdraw began after %v, want %v", at, test.want)
				}
				said := slices.ContainsFunc(report.Phases, func(p Phase) bool {
					return p.Name == "successor" && strings.Contains(p.Error, "nobody else was listed")
				})
				if said != test.alone {
					t.Errorf("phases = %+v, want it said that nobody came: %t", report.Phases, test.alone)
				}
			})
		})
	}
}

// Each registrar that knows of the others has to agree; one that does not know is not asked, and neither is one that
// does not list the instance any more.
func TestSuccessorAtSeveralRegistrars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, first := newListingRig(t)
		second := &listing{fakeRegistrar: newFakeRegistrar(r.recorder, "second")}
		third := newFakeRegistrar(r.recorder, "third")
		r.Manager = New(r.server, WithCalls(r.calls), WithRegistrar(first), WithRegistrar(second), WithRegistrar(third))
		r.run(t)
		first.set(0, 0)
		second.set(time.Second)
		if at, _ := r.withdrawnAt(t); !near(at, 2*time.Second) {
			t.Errorf("withdraw began after %v, want 2 s: the second registrar does not agree before", at)
		}
	})
}

// A drain by hand waits too, and Resume ends the wait; what an operator holds is absent already.
func TestSuccessorOfDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, others := newListingRig(t)
		r.run(t)
		others.set(time.Millisecond)
		go r.Drain(t.Context())
		time.Sleep(time.Second)
		if err := r.Resume(t.Context()); err != nil {
			t.Errorf("Resume() = %v, want nil", err)
		}
		if got := r.events(); slices.Contains(got, "nacos.Deregister") {
			t.Errorf("events = %q, want no withdrawal before the successor has settled", got)
		}
		others.set(time.Millisecond)
		r.recorder.reset()
		if err := r.Drain(t.Context()); err != nil {
			t.Errorf("Drain() = %v, want nil", err)
		}
		if at := r.at(t, "nacos.Deregister"); !near(at, 3*time.Second) {
			t.Errorf("Drain began to withdraw after %v, want 3 s", at)
		}
		others.set(time.Millisecond)
		r.recorder.reset()
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if at := r.at(t, "GracefulStop"); !near(at, DefaultQuiet) {
			t.Errorf("GracefulStop of a drained instance after %v, want %v", at, DefaultQuiet)
		}
	})
}

// A second signal, or Force, ends the wait.
func TestForceEndsTheWaitForASuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newListingRig(t, WithSuccessor(time.Minute))
		r.run(t)
		r.terminate()
		time.Sleep(time.Second)
		r.Force()
		<-r.result
		if got := time.Since(r.began); got > 3*time.Second {
			t.Errorf("Run took %v, want about a second", got)
		}
	})
}
