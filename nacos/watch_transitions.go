// SPDX-License-Identifier: Apache-2.0

package nacos

func (m *machine) whileIdle(e event) {
	switch e {
	case eventRegistered:
		m.online = true
		m.answers++
		m.beRegistered()
	case eventHeld:
		m.answers++
		m.goOffline()
	}
}

func (m *machine) beRegistered() { m.enterFor(registered, m.t.check) }

func (m *machine) whileRegistered(e event) {
	switch e {
	case eventGone, eventNotThere:
		m.enterFor(absent, m.t.grace)
	case eventTimeout:
		m.enter(registered, glance)
	case eventDenied:
		m.enter(registered, replace)
	case eventThere, eventNoOpinion, eventReplaced, eventFailed:
		m.beRegistered()
	}
}

func (m *machine) whileAbsent(e event) {
	switch e {
	case eventListed:
		m.beRegistered()
	case eventTimeout:
		m.suspicion = 0
		m.enter(probing, register)
	}
}

func (m *machine) whileProbing(e event) {
	switch e {
	case eventListed, eventReplaced:
		m.beRegistered()
	case eventAccepted:
		wait := m.t.probe
		if m.suspicion > 0 {
			wait = m.t.confirm
		}
		m.enterFor(probing, wait)
	case eventTimeout:
		m.enter(probing, look)
	case eventThere, eventDenied:
		m.enter(probing, replace)
	case eventNotThere:
		if m.suspicion++; m.suspicion < 2 {
			m.enter(probing, register)
			return
		}
		m.goOffline()
	case eventNoOpinion, eventFailed:
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
		m.online = true
		m.beRegistered()
	case eventTimeout:
		m.enter(offline, glance)
	case eventThere:
		// The push may be on its way still.
		if m.suspicion++; m.suspicion < 2 {
			m.enterFor(offline, m.t.probe)
			return
		}
		m.enter(offline, replace)
	case eventDenied:
		m.enter(offline, replace)
	case eventNotThere, eventNoOpinion, eventFailed, eventReplaced:
		m.suspicion = 0
		m.enterFor(offline, m.t.recheck)
	}
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
