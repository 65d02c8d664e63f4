// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"testing"
	"time"
)

// A step is an event and what the machine makes of it.
type step struct {
	event  event
	state  state
	todo   action
	wait   time.Duration
	online bool
}

// The rows of the table of absences, and the ways through the picture in watch_state.go.
func TestSelfWatch(t *testing.T) {
	t.Parallel()
	start := []step{
		{eventRegister, idle, nothing, 0, true},
		{eventRegistered, registered, await, checkWait, true},
	}
	missed := append(start[:2:2],
		step{eventGone, absent, await, grace, true},
		step{eventTimeout, probing, register, 0, true},
	)
	probed := append(missed[:4:4],
		step{eventAccepted, probing, await, probeWait, true},
		step{eventTimeout, probing, look, 0, true},
	)
	gone := append(probed[:6:6],
		step{eventNotThere, probing, await, confirmWait, true}, // one probe for an incident: it is pushed to everybody
		step{eventTimeout, probing, look, 0, true},
		step{eventNotThere, offline, await, recheckWait, false},
	)
	for name, test := range map[string]struct{ before, steps []step }{
		"absent less than the grace: redo": {start, []step{
			{eventGone, absent, await, grace, true},
			{eventGone, absent, await, grace, true}, // another list without us does not begin it anew
			{eventListed, registered, await, checkWait, true},
		}},
		"absent longer: registration was lost": {missed, []step{
			{eventAccepted, probing, await, probeWait, true},
			{eventListed, registered, await, checkWait, true},
		}},
		"absent longer: the list comes before the probe's answer": {missed, []step{
			{eventListed, registered, await, checkWait, true},
			{eventAccepted, registered, await, checkWait, true},
		}},
		"absent longer: registry away": {missed, []step{
			{eventFailed, absent, await, recheckWait, true},
			{eventTimeout, probing, register, 0, true},
		}},
		"absent longer: our view is broken": {probed, []step{
			{eventThere, probing, replace, 0, true},
			{eventReplaced, registered, await, checkWait, true},
		}},
		"absent longer: our view is broken, and no new connection": {probed, []step{
			{eventThere, probing, replace, 0, true},
			{eventFailed, absent, await, recheckWait, true},
		}},
		"absent longer: no second opinion": {probed, []step{
			{eventNoOpinion, absent, await, recheckWait, true},
			{eventTimeout, probing, look, 0, true}, // no second probe while nobody can be asked
			{eventNoOpinion, absent, await, recheckWait, true},
			{eventTimeout, probing, look, 0, true},
			{eventNotThere, probing, register, 0, true}, // the first one was long ago
			{eventAccepted, probing, await, probeWait, true},
			{eventTimeout, probing, look, 0, true},
			{eventNotThere, probing, await, confirmWait, true},
			{eventTimeout, probing, look, 0, true},
			{eventNotThere, offline, await, recheckWait, false},
		}},
		"absent longer: the registry refused the probe, and there is no connection any more": {missed, []step{
			{eventFailed, absent, await, recheckWait, true},
			{eventTimeout, probing, register, 0, true},
			{eventReplaced, registered, await, checkWait, true},
		}},
		"absent longer: the registry was restarted while it was asked": {probed, []step{
			{eventNotThere, probing, await, confirmWait, true},
			{eventTimeout, probing, look, 0, true},
			{eventNoOpinion, absent, await, recheckWait, true},
		}},
		"absent longer: the probe had no effect": {probed, []step{
			{eventUnheld, probing, replace, 0, true},
			{eventReplaced, registered, await, checkWait, true},
		}},
		"absent longer: it was lost once more": {probed, []step{
			{eventNotThere, probing, await, confirmWait, true},
			{eventTimeout, probing, look, 0, true},
			{eventUnheld, probing, replace, 0, true},
		}},
		"operator offline: forgotten by the registry": {gone, []step{
			{eventListed, offline, look, 0, false},
			{eventUnheld, offline, replace, 0, false},
		}},
		"absent longer: back at the second look": {probed, []step{
			{eventNotThere, probing, await, confirmWait, true},
			{eventListed, registered, await, checkWait, true},
		}},
		"registered: looked at again and again": {start, []step{
			{eventTimeout, registered, glance, 0, true},
			{eventThere, registered, await, checkWait, true},
			{eventTimeout, registered, glance, 0, true},
			{eventNoOpinion, registered, await, checkWait, true},
		}},
		"registered: the open list does not have us, a new connection does: nodes disagree": {start, []step{
			{eventTimeout, registered, glance, 0, true},
			{eventNotThere, registered, confirm, 0, true},
			{eventThere, registered, await, checkWait, true},
			{eventTimeout, registered, glance, 0, true},
			{eventNotThere, registered, await, checkWait, true}, // no new connection for the same
			{eventTimeout, registered, glance, 0, true},
			{eventThere, registered, await, checkWait, true},
			{eventTimeout, registered, glance, 0, true},
			{eventNotThere, registered, confirm, 0, true},
			{eventNoOpinion, registered, await, checkWait, true},
			{eventTimeout, registered, glance, 0, true},
			{eventNotThere, registered, confirm, 0, true},
		}},
		"registered: neither the open list nor a new connection has us: our view is broken": {start, []step{
			{eventTimeout, registered, glance, 0, true},
			{eventNotThere, registered, confirm, 0, true},
			{eventNotThere, registered, replace, 0, true},
			{eventReplaced, registered, await, checkWait, true},
			{eventTimeout, registered, glance, 0, true},
			{eventNotThere, registered, await, checkWait, true}, // the new view shows us
			{eventGone, absent, await, grace, true},
			{eventTimeout, probing, register, 0, true},
		}},
		"registered: our login is not known any more": {start, []step{
			{eventTimeout, registered, glance, 0, true},
			{eventDenied, registered, replace, 0, true},
			{eventReplaced, registered, await, checkWait, true},
			{eventTimeout, registered, glance, 0, true},
			{eventDenied, registered, await, checkWait, true}, // a right that we do not have: once is enough
			{eventTimeout, registered, glance, 0, true},
			{eventThere, registered, await, checkWait, true},
			{eventTimeout, registered, glance, 0, true},
			{eventDenied, registered, replace, 0, true},
		}},
		"absent longer: our login is not known any more": {missed, []step{
			{eventDenied, probing, replace, 0, true},
			{eventReplaced, registered, await, checkWait, true},
		}},
		"operator offline, then online": {gone, []step{
			{eventGone, offline, await, recheckWait, false},
			{eventListed, offline, look, 0, false},
			{eventThere, registered, await, checkWait, true},
		}},
		"operator offline, then a forged list": {gone, []step{
			{eventListed, offline, look, 0, false},
			{eventNotThere, offline, replace, 0, false},
			{eventReplaced, offline, await, recheckWait, false},
			{eventGone, offline, await, recheckWait, false},
			{eventTimeout, offline, glance, 0, false},
			{eventNotThere, offline, await, recheckWait, false},
		}},
		"operator offline, then online, and nobody to ask for a while": {gone, []step{
			{eventListed, offline, look, 0, false},
			{eventNoOpinion, offline, await, recheckWait, false},
			{eventTimeout, offline, look, 0, false},
			{eventFailed, offline, await, recheckWait, false},
			{eventTimeout, offline, look, 0, false},
			{eventThere, registered, await, checkWait, true},
		}},
		"operator online just before a withdrawal": {gone, []step{
			{eventBack, registered, await, checkWait, true},
			{eventWithdraw, withdrawn, nothing, 0, true},
		}},
		"operator offline: looked at again and again": {gone, []step{
			{eventTimeout, offline, glance, 0, false},
			{eventNotThere, offline, await, recheckWait, false},
			{eventTimeout, offline, glance, 0, false},
			{eventNoOpinion, offline, await, recheckWait, false},
		}},
		"operator offline: its end was not pushed": {gone, []step{
			{eventTimeout, offline, glance, 0, false},
			{eventThere, offline, await, probeWait, false}, // the push may be on its way
			{eventTimeout, offline, glance, 0, false},
			{eventThere, offline, replace, 0, false},
			{eventReplaced, offline, await, recheckWait, false},
			{eventListed, offline, look, 0, false},
			{eventThere, registered, await, checkWait, true},
		}},
		"started: not listed because of an operator": {start[:1], []step{
			{eventHeld, offline, await, recheckWait, false},
			{eventListed, offline, look, 0, false},
			{eventThere, registered, await, checkWait, true},
		}},
		"offline by operator: nothing deregisters": {gone, []step{
			{eventNotThere, offline, await, recheckWait, false},
			{eventAccepted, offline, await, recheckWait, false},
			{eventWithdrew, offline, await, recheckWait, false},
		}},
		"withdrawn stays withdrawn": {start, []step{
			{eventWithdraw, withdrawn, nothing, 0, true},
			{eventGone, withdrawn, nothing, 0, true},
			{eventListed, withdrawn, withdraw, 0, true},
			{eventFailed, withdrawn, await, retryMax, true}, // the registry is away: it may come back with us
			{eventTimeout, withdrawn, withdraw, 0, true},
			{eventFailed, withdrawn, await, retryMax, true},
			{eventListed, withdrawn, withdraw, 0, true},
			{eventWithdrew, withdrawn, nothing, 0, true},
			{eventTimeout, withdrawn, nothing, 0, true},
			{eventListed, withdrawn, withdraw, 0, true},
			{eventGone, withdrawn, nothing, 0, true}, // Deregister was quicker
			{eventRegister, idle, nothing, 0, true},
			{eventListed, idle, nothing, 0, true},
			{eventRegistered, registered, await, checkWait, true},
		}},
		"withdrawn out of an operator's offline": {gone, []step{
			{eventWithdraw, withdrawn, nothing, 0, false},
			{eventRegister, idle, nothing, 0, false},
			{eventRegistered, registered, await, checkWait, true},
		}},
		"withdrawn out of a probe": {missed, []step{
			{eventWithdraw, withdrawn, nothing, 0, true},
			{eventAccepted, withdrawn, nothing, 0, true},
		}},
		"closed for good": {missed, []step{
			{eventClose, closed, nothing, 0, true},
			{eventRegister, closed, nothing, 0, true},
			{eventWithdraw, closed, nothing, 0, true},
			{eventListed, closed, nothing, 0, true},
		}},
	} {
		m := newMachine(defaultTiming())
		for i, s := range append(test.before[:len(test.before):len(test.before)], test.steps...) {
			turn := m.turn
			m.handle(s.event)
			got := step{s.event, m.state, m.todo, m.wait, m.online}
			if got != s {
				t.Errorf("%s: step %d: got %+v, want %+v", name, i, got, s)
				break
			}
			if s.todo == register && m.turn == turn {
				t.Errorf("%s: step %d: the turn is still %d", name, i, turn)
			}
		}
	}
}

// Only a sequence with two second opinions against us, each after an accepted registration, may end offline.
func TestNoEventAloneMakesOffline(t *testing.T) {
	t.Parallel()
	all := []event{
		eventListed, eventGone, eventTimeout, eventAccepted, eventFailed, eventThere, eventNotThere, eventNoOpinion,
		eventDenied, eventReplaced, eventWithdrew,
	}
	for _, first := range all {
		for _, second := range all {
			for _, third := range all {
				for _, fourth := range all {
					m := newMachine(defaultTiming())
					m.handle(eventRegister)
					m.handle(eventRegistered)
					for _, e := range []event{first, second, third, fourth} {
						m.handle(e)
					}
					if !m.online {
						t.Fatalf("offline after %q, %q, %q, %q", first, second, third, fourth)
					}
				}
			}
		}
	}
}
