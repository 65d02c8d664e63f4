// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"slices"
	"testing"
	"time"
)

const lookTwice = 2100 * time.Millisecond

func TestWatch(t *testing.T) {
	for _, state := range []string{stateDrain, "maint"} {
		t.Run(state, func(t *testing.T) {
			within(t, 1, func(t *testing.T, r *rig) {
				w := r.watch(0)
				time.Sleep(lookTwice)
				var want []bool
				wantTold(t, w, want, "before Register")
				r.mustRegister()
				time.Sleep(lookTwice)
				want = append(want, true)
				wantTold(t, w, want, "after Register")
				for range 2 {
					r.fakes[0].operate(state)
					time.Sleep(lookTwice)
					want = append(want, false)
					wantTold(t, w, want, "taken out")
					r.fakes[0].operate(stateReady)
					time.Sleep(lookTwice)
					want = append(want, true)
					wantTold(t, w, want, "put in")
				}
				r.mustDeregister()
				r.fakes[0].operate("maint")
				time.Sleep(lookTwice)
				r.fakes[0].operate(stateReady)
				time.Sleep(lookTwice)
				wantTold(t, w, want, "withdrawn")
				r.mustRegister()
				time.Sleep(lookTwice)
				wantTold(t, w, append(want, true), "after another Register")
			})
		})
	}
}

func wantTold(t *testing.T, w *watching, want []bool, when string) {
	t.Helper()
	if got := w.all(); !slices.Equal(got, want) {
		t.Errorf("%s Watch has told %v, want %v", when, got, want)
	}
}

// TestWhatIsNoOperators: an absence that nobody has ordered at this server.
func TestWhatIsNoOperators(t *testing.T) {
	for name, change := range map[string]func(*server){
		"down":                       func(s *server) { s.op = down },
		"answers 404":                func(s *server) { s.op = stopping },
		"tracks one in maintenance":  func(s *server) { s.op, s.admin = down, inheritedMaint },
		"tracks one that is drained": func(s *server) { s.admin = inheritedDrain },
		"DNS does not know it":       func(s *server) { s.op, s.admin = down, resolvingMaint },
		"a weight of zero":           func(s *server) { s.weight = 0 },
		"out of the configuration":   func(s *server) { s.name = "t1" },
	} {
		t.Run(name, func(t *testing.T) {
			within(t, 1, func(t *testing.T, r *rig) {
				w := r.watch(0)
				r.mustRegister()
				r.fakes[0].change(change)
				time.Sleep(lookTwice)
				wantTold(t, w, []bool{true}, name)
			})
		})
	}
}

// TestOperatorAtOneOfTwo: nothing drains because of one balancer, and one that does not answer says nothing.
func TestOperatorAtOneOfTwo(t *testing.T) {
	within(t, 2, func(t *testing.T, r *rig) {
		w := r.watch(0)
		r.mustRegister()
		r.fakes[0].operate("maint")
		time.Sleep(lookTwice)
		wantTold(t, w, []bool{true}, "at one of two")
		r.wantLog("an operator has changed", 1)
		r.fakes[1].fail(silent, "")
		time.Sleep(2*DefaultTimeout + lookTwice)
		wantTold(t, w, []bool{true, false}, "and the other does not answer")
		r.fakes[1].fail("", "")
		time.Sleep(lookTwice)
		wantTold(t, w, []bool{true, false, true}, "and answers again")
		r.fakes[0].fail(refusing, "")
		r.fakes[1].fail(refusing, "")
		time.Sleep(lookTwice)
		wantTold(t, w, []bool{true, false, true}, "and nobody answers")
		r.wantLog("cannot be asked", 3)
	})
}

func TestOperatorBeforeRegister(t *testing.T) {
	within(t, 2, func(t *testing.T, r *rig) {
		w := r.watch(0)
		r.fakes[0].operate("maint")
		r.mustRegister()
		time.Sleep(lookTwice)
		wantTold(t, w, []bool{true}, "at one of two")
		r.fakes[1].operate("maint")
		r.mustRegister()
		time.Sleep(lookTwice)
		wantTold(t, w, []bool{true, false}, "at both")
		r.wantAdmin(forcedMaint, "after Register")
	})
}

func TestWatchTellsBeforeDeregisterReturns(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		w := r.watch(50 * time.Millisecond)
		r.mustRegister()
		time.Sleep(lookTwice)
		r.fakes[0].operate("maint")
		r.mustDeregister()
		wantTold(t, w, []bool{true, false}, "when Deregister has returned")
		r.fakes[0].operate(stateReady)
		r.mustRegister()
		time.Sleep(lookTwice)
		r.fakes[0].operate("maint")
		time.Sleep(lookTwice)
		r.fakes[0].operate(stateReady)
		r.mustDeregister()
		wantTold(t, w, []bool{true, false, true, false, true}, "when Deregister has returned")
	})
}

// TestDeregisterDoesNotWaitForWatch for longer than it says.
func TestDeregisterDoesNotWaitForWatch(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.watch(time.Minute)
		r.mustRegister()
		began := time.Now()
		r.mustDeregister()
		if took := time.Since(began); took > 2*toldWait {
			t.Errorf("Deregister took %v, want at most %v", took, toldWait)
		}
		_ = r.Close()
		time.Sleep(time.Minute)
	})
}

// TestFrozenBalancerHoldsNobodyUp: one of two does not answer.
func TestFrozenBalancerHoldsNobodyUp(t *testing.T) {
	within(t, 2, func(t *testing.T, r *rig) {
		r.mustRegister()
		r.fakes[1].fail(silent, "")
		go func() { _ = r.Deregister(t.Context()) }()
		time.Sleep(2 * lookOnceMost)
		if r.fakes[0].s1().admin != forcedDrain {
			t.Errorf("not drained at the balancer that answers, %v after Deregister", 2*lookOnceMost)
		}
		time.Sleep(3 * DefaultTimeout)
	})
}
