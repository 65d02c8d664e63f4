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
	register := []step{
		{eventRegister, stateRegistering, doRegister, 0, true},
		{eventAccepted, stateRegistering, doAwait, probeWait / 2, true},
	}
	twice := append(register[:2:2],
		step{eventTimeout, stateRegistering, doRegister, 0, true},
		step{eventAccepted, stateRegistering, doAwait, probeWait / 2, true},
	)
	start := append(register[:2:2], step{eventListed, stateRegistered, doAwait, checkWait, true})
	missed := append(start[:3:3],
		step{eventGone, stateAbsent, doAwait, grace, true},
		step{eventTimeout, stateProbing, doRegister, 0, true},
	)
	probed := append(missed[:5:5],
		step{eventAccepted, stateProbing, doAwait, probeWait, true},
		step{eventTimeout, stateProbing, doAsk, 0, true},
	)
	gone := append(probed[:7:7],
		step{eventNotThere, stateProbing, doAwait, confirmWait, true}, // one probe for an incident: it is pushed to everybody
		step{eventTimeout, stateProbing, doAsk, 0, true},
		step{eventNotThere, stateOffline, doAwait, recheckWait, false},
	)
	for name, test := range map[string]struct{ before, steps []step }{
		"absent less than the grace: redo": {start, []step{
			{eventGone, stateAbsent, doAwait, grace, true},
			{eventGone, stateAbsent, doAwait, grace, true}, // another list without us does not begin it anew
			{eventListed, stateRegistered, doAwait, checkWait, true},
		}},
		"absent longer: registration was lost": {missed, []step{
			{eventAccepted, stateProbing, doAwait, probeWait, true},
			{eventListed, stateRegistered, doAwait, checkWait, true},
		}},
		"absent longer: the list comes before the probe's answer": {missed, []step{
			{eventListed, stateRegistered, doAwait, checkWait, true},
			{eventAccepted, stateRegistered, doAwait, checkWait, true},
		}},
		"absent longer: registry away": {missed, []step{
			{eventFailed, stateAbsent, doAwait, recheckWait, true},
			{eventTimeout, stateProbing, doRegister, 0, true},
		}},
		"absent longer: our view is broken": {probed, []step{
			{eventThere, stateProbing, doReplace, 0, true},
			{eventReplaced, stateRegistered, doAwait, checkWait, true},
		}},
		"absent longer: our view is broken, and no new connection": {probed, []step{
			{eventThere, stateProbing, doReplace, 0, true},
			{eventFailed, stateAbsent, doAwait, recheckWait, true},
		}},
		"absent longer: no second opinion": {probed, []step{
			{eventNoOpinion, stateAbsent, doAwait, recheckWait, true},
			{eventTimeout, stateProbing, doAsk, 0, true}, // no second probe while nobody can be asked
			{eventNoOpinion, stateAbsent, doAwait, recheckWait, true},
			{eventTimeout, stateProbing, doAsk, 0, true},
			{eventNotThere, stateProbing, doRegister, 0, true}, // the first one was long ago
			{eventAccepted, stateProbing, doAwait, probeWait, true},
			{eventTimeout, stateProbing, doAsk, 0, true},
			{eventNotThere, stateProbing, doAwait, confirmWait, true},
			{eventTimeout, stateProbing, doAsk, 0, true},
			{eventNotThere, stateOffline, doAwait, recheckWait, false},
		}},
		"absent longer: the registry refused the probe, and there is no connection any more": {missed, []step{
			{eventFailed, stateAbsent, doAwait, recheckWait, true},
			{eventTimeout, stateProbing, doRegister, 0, true},
			{eventReplaced, stateRegistered, doAwait, checkWait, true},
		}},
		"absent longer: the registry was restarted while it was asked": {probed, []step{
			{eventNotThere, stateProbing, doAwait, confirmWait, true},
			{eventTimeout, stateProbing, doAsk, 0, true},
			{eventNoOpinion, stateAbsent, doAwait, recheckWait, true},
		}},
		"absent longer: the probe had no effect": {probed, []step{
			{eventUnheld, stateProbing, doReplace, 0, true},
			{eventReplaced, stateRegistered, doAwait, checkWait, true},
		}},
		"absent longer: it was lost once more": {probed, []step{
			{eventNotThere, stateProbing, doAwait, confirmWait, true},
			{eventTimeout, stateProbing, doAsk, 0, true},
			{eventUnheld, stateProbing, doReplace, 0, true},
		}},
		"operator offline: forgotten by the registry": {gone, []step{
			{eventListed, stateOffline, doAsk, 0, false},
			{eventUnheld, stateOffline, doReplace, 0, false},
		}},
		"absent longer: back at the second look": {probed, []step{
			{eventNotThere, stateProbing, doAwait, confirmWait, true},
			{eventListed, stateRegistered, doAwait, checkWait, true},
		}},
		"registered: looked at again and again": {start, []step{
			{eventTimeout, stateRegistered, doAskList, 0, true},
			{eventThere, stateRegistered, doAwait, checkWait, true},
			{eventTimeout, stateRegistered, doAskList, 0, true},
			{eventNoOpinion, stateRegistered, doAwait, checkWait, true},
		}},
		"registered: the open list does not have us, a new connection does: nodes disagree": {start, []step{
			{eventTimeout, stateRegistered, doAskList, 0, true},
			{eventNotThere, stateRegistered, doAskFresh, 0, true},
			{eventThere, stateRegistered, doAwait, checkWait, true},
			{eventTimeout, stateRegistered, doAskList, 0, true},
			{eventNotThere, stateRegistered, doAwait, checkWait, true}, // no new connection for the same
			{eventTimeout, stateRegistered, doAskList, 0, true},
			{eventThere, stateRegistered, doAwait, checkWait, true},
			{eventTimeout, stateRegistered, doAskList, 0, true},
			{eventNotThere, stateRegistered, doAskFresh, 0, true},
			{eventNoOpinion, stateRegistered, doAwait, checkWait, true},
			{eventTimeout, stateRegistered, doAskList, 0, true},
			{eventNotThere, stateRegistered, doAskFresh, 0, true},
		}},
		"registered: neither the open list nor a new connection has us: our view is broken": {start, []step{
			{eventTimeout, stateRegistered, doAskList, 0, true},
			{eventNotThere, stateRegistered, doAskFresh, 0, true},
			{eventNotThere, stateRegistered, doReplace, 0, true},
			{eventReplaced, stateRegistered, doAwait, checkWait, true},
			{eventTimeout, stateRegistered, doAskList, 0, true},
			{eventNotThere, stateRegistered, doAwait, checkWait, true}, // the new view shows us
			{eventGone, stateAbsent, doAwait, grace, true},
			{eventTimeout, stateProbing, doRegister, 0, true},
		}},
		"registered: our login is not known any more": {start, []step{
			{eventTimeout, stateRegistered, doAskList, 0, true},
			{eventDenied, stateRegistered, doReplace, 0, true},
			{eventReplaced, stateRegistered, doAwait, checkWait, true},
			{eventTimeout, stateRegistered, doAskList, 0, true},
			{eventDenied, stateRegistered, doAwait, checkWait, true}, // a right that we do not have: once is enough
			{eventTimeout, stateRegistered, doAskList, 0, true},
			{eventThere, stateRegistered, doAwait, checkWait, true},
			{eventTimeout, stateRegistered, doAskList, 0, true},
			{eventDenied, stateRegistered, doReplace, 0, true},
		}},
		"absent longer: our login is not known any more": {missed, []step{
			{eventDenied, stateProbing, doReplace, 0, true},
			{eventReplaced, stateRegistered, doAwait, checkWait, true},
		}},
		"operator offline, then online": {gone, []step{
			{eventGone, stateOffline, doAwait, recheckWait, false},
			{eventListed, stateOffline, doAsk, 0, false},
			{eventThere, stateRegistered, doAwait, checkWait, true},
		}},
		"operator offline, then a forged list": {gone, []step{
			{eventListed, stateOffline, doAsk, 0, false},
			{eventNotThere, stateOffline, doReplace, 0, false},
			{eventReplaced, stateOffline, doAwait, recheckWait, false},
			{eventGone, stateOffline, doAwait, recheckWait, false},
			{eventTimeout, stateOffline, doAskList, 0, false},
			{eventNotThere, stateOffline, doAwait, recheckWait, false},
		}},
		"operator offline, then online, and nobody to ask for a while": {gone, []step{
			{eventListed, stateOffline, doAsk, 0, false},
			{eventNoOpinion, stateOffline, doAwait, recheckWait, false},
			{eventTimeout, stateOffline, doAsk, 0, false},
			{eventFailed, stateOffline, doAwait, recheckWait, false},
			{eventTimeout, stateOffline, doAsk, 0, false},
			{eventThere, stateRegistered, doAwait, checkWait, true},
		}},
		"operator online just before a withdrawal": {gone, []step{
			{eventBack, stateRegistered, doAwait, checkWait, true},
			{eventWithdraw, stateWithdrawn, doNothing, 0, true},
		}},
		"operator offline: looked at again and again": {gone, []step{
			{eventTimeout, stateOffline, doAskList, 0, false},
			{eventNotThere, stateOffline, doAwait, recheckWait, false},
			{eventTimeout, stateOffline, doAskList, 0, false},
			{eventNoOpinion, stateOffline, doAwait, recheckWait, false},
		}},
		"operator offline: its end was not pushed": {gone, []step{
			{eventTimeout, stateOffline, doAskList, 0, false},
			{eventThere, stateOffline, doAwait, probeWait, false}, // the push may be on its way
			{eventTimeout, stateOffline, doAskList, 0, false},
			{eventThere, stateOffline, doReplace, 0, false},
			{eventReplaced, stateOffline, doAwait, recheckWait, false},
			{eventListed, stateOffline, doAsk, 0, false},
			{eventThere, stateRegistered, doAwait, checkWait, true},
		}},
		"started: listed before the registry has answered": {register[:1], []step{
			{eventListed, stateRegistering, doRegister, 0, true}, // it may be of an earlier registration, that ends
			{eventAccepted, stateRegistered, doAwait, checkWait, true},
		}},
		"started: a list with us comes while somebody else is asked": {twice, []step{
			{eventTimeout, stateRegistering, doAsk, 0, true},
			{eventListed, stateRegistered, doAwait, checkWait, true},
			{eventNotThere, stateRegistered, doAwait, checkWait, true},
		}},
		"started: given up as the list comes": {register, []step{
			{eventListed, stateRegistered, doAwait, checkWait, true},
			{eventGaveUp, stateIdle, doNothing, 0, true},
		}},
		"started: the registration was lost": {twice, []step{
			{eventListed, stateRegistered, doAwait, checkWait, true},
		}},
		"started: what is Register's to find out": {twice, []step{
			{eventTimeout, stateRegistering, doAsk, 0, true},
			{eventNoOpinion, stateRegistering, doNothing, 0, true},
			{eventListed, stateRegistering, doNothing, 0, true},
			{eventRegister, stateRegistering, doRegister, 0, true},
			{eventFailed, stateRegistering, doNothing, 0, true},
			{eventGaveUp, stateIdle, doNothing, 0, true},
			{eventListed, stateIdle, doNothing, 0, true},
		}},
		"started: not listed because of an operator": {twice, []step{
			{eventTimeout, stateRegistering, doAsk, 0, true},
			{eventNotThere, stateRegistering, doAwait, confirmWait, true},
			{eventTimeout, stateRegistering, doAsk, 0, true},
			{eventNotThere, stateOffline, doAwait, recheckWait, false},
			{eventListed, stateOffline, doAsk, 0, false},
			{eventThere, stateRegistered, doAwait, checkWait, true},
		}},
		"offline by operator: nothing deregisters": {gone, []step{
			{eventNotThere, stateOffline, doAwait, recheckWait, false},
			{eventAccepted, stateOffline, doAwait, recheckWait, false},
			{eventWithdrew, stateOffline, doAwait, recheckWait, false},
		}},
		"withdrawn stays withdrawn": {start, []step{
			{eventWithdraw, stateWithdrawn, doNothing, 0, true},
			{eventGone, stateWithdrawn, doNothing, 0, true},
			{eventListed, stateWithdrawn, doWithdraw, 0, true},
			{eventFailed, stateWithdrawn, doAwait, retryMax, true}, // the registry is away: it may come back with us
			{eventTimeout, stateWithdrawn, doWithdraw, 0, true},
			{eventFailed, stateWithdrawn, doAwait, retryMax, true},
			{eventListed, stateWithdrawn, doWithdraw, 0, true},
			{eventWithdrew, stateWithdrawn, doAwait, retryMax, true}, // the list without us is under way
			{eventGone, stateWithdrawn, doNothing, 0, true},
			{eventTimeout, stateWithdrawn, doNothing, 0, true},
			{eventListed, stateWithdrawn, doWithdraw, 0, true},
			{eventWithdrew, stateWithdrawn, doAwait, retryMax, true},
			{eventTimeout, stateWithdrawn, doWithdraw, 0, true}, // no list has come: we came back in between
			{eventGone, stateWithdrawn, doNothing, 0, true},     // it was quicker
			{eventWithdrew, stateWithdrawn, doNothing, 0, true},
			{eventRegister, stateRegistering, doRegister, 0, true},
			{eventListed, stateRegistering, doRegister, 0, true},
			{eventAccepted, stateRegistered, doAwait, checkWait, true},
		}},
		"withdrawn out of an operator's offline": {gone, []step{
			{eventWithdraw, stateWithdrawn, doNothing, 0, false},
			{eventRegister, stateRegistering, doRegister, 0, false},
			{eventAccepted, stateRegistering, doAwait, probeWait / 2, false},
			{eventListed, stateRegistered, doAwait, checkWait, true},
		}},
		"withdrawn out of a probe": {missed, []step{
			{eventWithdraw, stateWithdrawn, doNothing, 0, true},
			{eventAccepted, stateWithdrawn, doNothing, 0, true},
		}},
		"closed for good": {missed, []step{
			{eventClose, stateClosed, doNothing, 0, true},
			{eventRegister, stateClosed, doNothing, 0, true},
			{eventWithdraw, stateClosed, doNothing, 0, true},
			{eventListed, stateClosed, doNothing, 0, true},
		}},
	} {
		m := newMachine(defaultTiming())
		for i, s := range append(test.before[:len(test.before):len(test.before)], test.steps...) {
			turn := m.revision
			m.handle(s.event)
			got := step{s.event, m.state, m.todo, m.wait, m.online}
			if got != s {
				t.Errorf("%s: step %d: got %+v, want %+v", name, i, got, s)
				break
			}
			if s.todo == doRegister && s.event != eventListed && m.revision == turn {
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
					m.handle(eventAccepted)
					m.handle(eventListed)
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
