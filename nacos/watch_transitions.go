// SPDX-License-Identifier: Apache-2.0

package nacos

// whileRegistering leaves to Register what to do about all that is neither listed nor held.
func (m *machine) whileRegistering(e event) {
	switch e {
	case eventListed:
		if m.todo == doAwait || m.todo == doAsk { // the registry has accepted it
			m.succeed()
		}
	case eventGone:
	case eventAccepted:
		if m.shown {
			m.succeed()
			return
		}
		m.enterFor(stateRegistering, m.t.probe/2)
	case eventTimeout:
		if !m.repeated { // it may have been lost
			m.repeated = true
			m.enter(stateRegistering, doRegister)
			return
		}
		m.enter(stateRegistering, doAsk)
	case eventNotThere: // the registry may have been restarted while it was asked
		if m.suspicion++; m.suspicion < 2 {
			m.enterFor(stateRegistering, m.t.confirm)
			return
		}
		m.answers++
		m.goOffline()
	default:
		m.enter(stateRegistering, doNothing)
	}
}

func (m *machine) succeed() {
	m.answers++
	m.doubted = false
	m.goOnline()
}

func (m *machine) beRegistered() { m.enterFor(stateRegistered, m.t.check) }

func (m *machine) whileRegistered(e event) {
	switch e {
	case eventGone:
		m.probed = false
		m.enterFor(stateAbsent, m.t.grace)
	case eventTimeout:
		m.enter(stateRegistered, doAskList)
	case eventDenied:
		m.enter(stateRegistered, doReplace)
	case eventNotThere:
		m.contradicted()
	case eventThere:
		m.doubted = m.todo == doAskFresh
		m.beRegistered()
	case eventNoOpinion, eventReplaced, eventFailed:
		m.beRegistered()
	}
}

// contradicted is for an instance that our own view shows, and others do not.
func (m *machine) contradicted() {
	switch {
	case m.todo == doAskFresh:
		m.doubted = true
		m.enter(stateRegistered, doReplace)
	case m.doubted:
		m.beRegistered()
	default:
		m.enter(stateRegistered, doAskFresh)
	}
}

func (m *machine) whileAbsent(e event) {
	switch e {
	case eventListed:
		m.beRegistered()
	case eventTimeout:
		m.suspicion = 0
		if m.probed {
			m.enter(stateProbing, doAsk)
			return
		}
		m.enter(stateProbing, doRegister)
	}
}

func (m *machine) whileProbing(e event) {
	switch e {
	case eventListed, eventReplaced:
		m.beRegistered()
	case eventAccepted:
		m.enterFor(stateProbing, m.t.probe)
	case eventTimeout:
		m.enter(stateProbing, doAsk)
	case eventThere, eventDenied, eventUnheld:
		m.enter(stateProbing, doReplace)
	case eventNotThere:
		if m.probed { // that was long ago: the registry may have been restarted since
			m.probed = false
			m.enter(stateProbing, doRegister)
			return
		}
		if m.suspicion++; m.suspicion < 2 {
			m.enterFor(stateProbing, m.t.confirm)
			return
		}
		m.goOffline()
	case eventNoOpinion:
		m.probed = true // it would be pushed to every subscriber
		m.enterFor(stateAbsent, m.t.recheck)
	case eventFailed:
		m.enterFor(stateAbsent, m.t.recheck)
	}
}

func (m *machine) goOffline() {
	m.online, m.suspicion = false, 0
	m.enterFor(stateOffline, m.t.recheck)
}

func (m *machine) whileOffline(e event) {
	switch e {
	case eventListed:
		m.enter(stateOffline, doAsk)
	case eventBack:
		m.goOnline()
	case eventTimeout:
		if m.shown {
			m.enter(stateOffline, doAsk)
			return
		}
		m.enter(stateOffline, doAskList)
	case eventThere:
		if m.shown {
			m.goOnline()
			return
		}
		// The push may be on its way still.
		if m.suspicion++; m.suspicion < 2 {
			m.enterFor(stateOffline, m.t.probe)
			return
		}
		m.enter(stateOffline, doReplace)
	case eventDenied:
		m.enter(stateOffline, doReplace)
	case eventNotThere:
		m.suspicion = 0
		if m.shown { // a list that was wrong, and later ones may be missing
			m.enter(stateOffline, doReplace)
			return
		}
		m.enterFor(stateOffline, m.t.recheck)
	case eventNoOpinion, eventFailed, eventReplaced:
		m.suspicion = 0
		m.enterFor(stateOffline, m.t.recheck)
	}
}

func (m *machine) goOnline() {
	m.online = true
	m.beRegistered()
}

func (m *machine) whileWithdrawn(e event) {
	switch e {
	case eventListed, eventTimeout:
		m.enter(stateWithdrawn, doWithdraw)
	case eventGone:
		m.insists = false
		m.enter(stateWithdrawn, doNothing)
	case eventWithdrew:
		if m.shown { // no list need follow when something has brought it back once more, or when nothing came of it
			m.insists = true
			m.enterFor(stateWithdrawn, m.t.retryMax)
			return
		}
		m.enter(stateWithdrawn, doNothing)
	case eventFailed:
		m.enterFor(stateWithdrawn, m.t.retryMax)
	}
}
