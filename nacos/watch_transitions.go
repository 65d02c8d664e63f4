// SPDX-License-Identifier: Apache-2.0

package nacos

func (m *machine) whileIdle(e event) {
	switch e {
	case eventRegistered:
		m.answers++
		m.doubted = false
		m.goOnline()
	case eventHeld:
		m.answers++
		m.goOffline()
	}
}

func (m *machine) beRegistered() { m.enterFor(registered, m.t.check) }

func (m *machine) whileRegistered(e event) {
	switch e {
	case eventGone:
		m.probed = false
		m.enterFor(absent, m.t.grace)
	case eventTimeout:
		m.enter(registered, glance)
	case eventDenied:
		m.enter(registered, replace)
	case eventNotThere:
		m.contradicted()
	case eventThere:
		m.doubted = m.todo == confirm
		m.beRegistered()
	case eventNoOpinion, eventReplaced, eventFailed:
		m.beRegistered()
	}
}

// contradicted is for an instance that our own view shows, and others do not.
func (m *machine) contradicted() {
	switch {
	case m.todo == confirm:
		m.doubted = true
		m.enter(registered, replace)
	case m.doubted:
		m.beRegistered()
	default:
		m.enter(registered, confirm)
	}
}

func (m *machine) whileAbsent(e event) {
	switch e {
	case eventListed:
		m.beRegistered()
	case eventTimeout:
		m.suspicion = 0
		if m.probed {
			m.enter(probing, look)
			return
		}
		m.enter(probing, register)
	}
}

func (m *machine) whileProbing(e event) {
	switch e {
	case eventListed, eventReplaced:
		m.beRegistered()
	case eventAccepted:
		m.enterFor(probing, m.t.probe)
	case eventTimeout:
		m.enter(probing, look)
	case eventThere, eventDenied, eventUnheld:
		m.enter(probing, replace)
	case eventNotThere:
		if m.probed { // that was long ago: the registry may have been restarted since
			m.probed = false
			m.enter(probing, register)
			return
		}
		if m.suspicion++; m.suspicion < 2 {
			m.enterFor(probing, m.t.confirm)
			return
		}
		m.goOffline()
	case eventNoOpinion:
		m.probed = true // it would be pushed to every subscriber
		m.enterFor(absent, m.t.recheck)
	case eventFailed:
		m.enterFor(absent, m.t.recheck)
	}
}

func (m *machine) goOffline() {
	m.online, m.suspicion = false, 0
	m.enterFor(offline, m.t.recheck)
}

func (m *machine) whileOffline(e event) {
	switch e {
	case eventListed:
		m.enter(offline, look)
	case eventBack:
		m.goOnline()
	case eventTimeout:
		if m.shown {
			m.enter(offline, look)
			return
		}
		m.enter(offline, glance)
	case eventThere:
		if m.shown {
			m.goOnline()
			return
		}
		// The push may be on its way still.
		if m.suspicion++; m.suspicion < 2 {
			m.enterFor(offline, m.t.probe)
			return
		}
		m.enter(offline, replace)
	case eventDenied:
		m.enter(offline, replace)
	case eventNotThere:
		m.suspicion = 0
		if m.shown { // a list that was wrong, and later ones may be missing
			m.enter(offline, replace)
			return
		}
		m.enterFor(offline, m.t.recheck)
	case eventNoOpinion, eventFailed, eventReplaced:
		m.suspicion = 0
		m.enterFor(offline, m.t.recheck)
	}
}

func (m *machine) goOnline() {
	m.online = true
	m.beRegistered()
}

func (m *machine) whileWithdrawn(e event) {
	switch e {
	case eventListed, eventTimeout:
		m.enter(withdrawn, withdraw)
	case eventGone, eventWithdrew:
		m.enter(withdrawn, nothing)
	case eventFailed:
		m.enterFor(withdrawn, m.t.retryMax)
	}
}
