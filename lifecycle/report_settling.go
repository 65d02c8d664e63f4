// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"fmt"
	"time"
)

// Settling tells whether settle was long enough: which calls have come since the trigger, and when.
type Settling struct {
	// Confirmed is since when no registrar lists the instance: confirmed, or given up. Zero before.
	Confirmed time.Time     `json:"confirmed,omitzero"`
	Settle    time.Duration `json:"settle_ns"` // what was to be waited after that; zero with Strict
	// Late calls: until the absence was confirmed, during settle, and after it.
	Before uint64 `json:"late_before"`
	During uint64 `json:"late_during"`
	After  uint64 `json:"late_after"`
	// LastCaller is who has sent the last late call, and its Last when that was; nil where nobody has, or where Calls
	// cannot tell.
	LastCaller *Caller `json:"last_caller,omitempty"`
	// Propagation is how long after Confirmed the last late call came, or zero: as long as the news of the absence has
	// taken, as far as calls can show that.
	Propagation time.Duration `json:"propagation_ns"`
	// Advice says which option to change, and to what, where calls came after settle or in its last fifth. It is for
	// people; empty: none.
	Advice string `json:"advice,omitempty"`
}

// lateCounts are how many late calls there were at the ends of phases.
type lateCounts struct {
	confirmed, settled *uint64 // nil before
	cut                bool    // settle was not waited for to its end
	notQuiet           bool    // quiet did not come
}

// noteLate takes down how many late calls there are at the end of a phase.
func (m *Manager) noteLate(at **uint64) {
	if m.calls != nil {
		late := m.calls.Late()
		*at = &late
	}
}

// noteSettled says who has called until the end of settle.
func (m *Manager) noteSettled(o *offline) {
	m.noteLate(&o.late.settled)
	callers := m.callers()
	settling := m.settling(o, callers)
	o.note(func(r *Report) { r.Settling, r.Callers = settling, callers })
	if settling.Before+settling.During > 0 {
		m.log.Info("late calls", "before", settling.Before, "during_settle", settling.During,
			"propagation", settling.Propagation.Round(time.Millisecond), "callers", busiest(callers))
	}
}

// settling judges the late calls that have come so far. It is of the goroutine that runs the offline.
func (m *Manager) settling(o *offline, callers []Caller) Settling {
	s := Settling{Confirmed: o.absent}
	if m.policy == Lossless {
		s.Settle = m.settleTime()
	}
	if m.calls == nil {
		return s
	}
	first, now := o.report.AtTrigger.Late, m.calls.Late()
	confirmed, settled := now, now
	if o.late.confirmed != nil {
		confirmed = *o.late.confirmed
	}
	if o.late.settled != nil {
		settled = *o.late.settled
	}
	s.Before, s.During, s.After = confirmed-first, settled-confirmed, now-settled
	if s.Before+s.During+s.After == 0 {
		return s
	}
	s.LastCaller = lastCaller(callers)
	if s.LastCaller != nil && !s.Confirmed.IsZero() {
		s.Propagation = max(s.LastCaller.Last.Sub(s.Confirmed), 0)
	}
	s.Advice = m.advise(o, s)
	return s
}

// adviceStep is what an advised settle is rounded up to.
const adviceStep = 500 * time.Millisecond

// advise tells what would help whoever called after settle, or in its last fifth. It says nothing where settle was not
// waited for, in this offline and to its end: then the calls tell nothing of it.
func (m *Manager) advise(o *offline, s Settling) string {
	switch {
	case m.policy != Lossless || o.unconfirmed || o.late.settled == nil || o.late.cut:
		return ""
	case s.Confirmed.IsZero() || s.Confirmed.Before(o.plan.trigger):
		return ""
	case s.LastCaller == nil && s.After > 0:
		return fmt.Sprintf("%d calls came after a settle of %v: %s", s.After, s.Settle, m.optionsFor(s.Settle*3/2))
	case s.After == 0 && (s.Propagation == 0 || s.Propagation < s.Settle-s.Settle/5):
		return ""
	}
	last := fmt.Sprintf("the last late call came %v after the confirmed absence, and settle is %v",
		s.Propagation.Round(time.Millisecond), s.Settle)
	options := m.optionsFor(max(s.Propagation*5/4, s.Settle+adviceStep))
	if o.late.notQuiet {
		return fmt.Sprintf("%s: try it where news take so long; it does not help a caller that follows no registry or balancer, or is pinned to this address: %s, %s",
			options, whoCalls(*s.LastCaller), last)
	}
	return last + ": " + options
}

// optionsFor are the options with which settle can be as long as that.
func (m *Manager) optionsFor(settle time.Duration) string {
	settle = roundUp(settle)
	options := fmt.Sprintf("WithSettle(%v)", settle)
	budget := m.budget
	if settle > settleMost(budget, m.hasHooks()) {
		budget = settle + besides(m.hasHooks())
	}
	if m.successor > 0 && settle >= budget/2 {
		budget = 2*settle + time.Second
	}
	if budget != m.budget {
		options += fmt.Sprintf(" and WithBudget(%v)", budget)
	}
	return options
}

func roundUp(d time.Duration) time.Duration {
	return max((d+adviceStep-1)/adviceStep*adviceStep, adviceStep)
}
