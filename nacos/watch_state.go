// SPDX-License-Identifier: Apache-2.0

package nacos

import "time"

// The self-watch as a state machine: events in, the next thing to do out. It knows no clock, no lock and no registry.
//
//	                 listed                     a list without us
//	registering --------------> registered ------------------> absent <---------------+
//	 |  register twice in        |  ^ ^ ^                       | |                   |
//	 |  probeWait;       checkWait  | | +-- a list with us: redo+ | grace             |
//	 |  second opinion;     second  +-+ |                         v                   | registry away, or
//	 |  not listed there:  opinion      +-- a list with us: lost -probing ------------+ no second opinion
//	 |  a second look               ^                            | | ^  register, probeWait, second opinion;
//	 |                              +-- listed there: new -------+ | |  not listed there: a second
//	 | twice not listed there       |   connection                 | +  look after confirmWait
//	 v                              |                              |
//	offline <-----------------------|-- twice not listed there ----+
//	 |  ^                           |
//	 |  +-- recheckWait: not there  |   a list with us, and listed there;
//	 +------------------------------+   or listed there twice: new connection
//
//	any ---- Deregister ----> withdrawn ---- a list with us: deregister again ----> withdrawn
//	any ---- Register ------> registering ---- whatever else comes: Register pauses, and begins anew, or gives up ----> idle
//	any ---- Close ---------> closed
//
// "There" is the second opinion, a look that does not go through our subscription: the open list, or a new
// connection's subscription. Only offline is reported: absence alone has at least seven causes.
//
// Where the registry says that it does not even hold what was registered again, nobody has switched it off: the probe
// had no effect, and a new connection registers it.
//
// While registered a second opinion is taken every checkWait, as the subscription may have died; a login that is not
// known any more leads to a new connection. An operator's offline reaches every node at once, so while our own view
// shows us "not there" is no evidence of one: nodes may have lost sight of each other. A new connection looks at it. If
// that shows us, there is nothing to be done until the open list has listed us once more; if not, our view may be
// broken, and the new connection takes its place. Either happens once for an incident.
//
// While withdrawn our subscription has to show that, or the withdrawal is repeated: a list that brings us back is followed
// by no other one when we come back once more before the absence was pushed.
//
// While offline a list with us is no evidence either: it may be one of a node that has not heard of it. It needs the
// second opinion, which is tried every recheckWait until one is to be had.
type machine struct {
	t        timing
	state    state
	todo     action
	wait     time.Duration // with todo == await
	revision uint64        // grows whenever todo is set: what came of an older todo is void

	answers   uint64 // how often Register has succeeded
	online    bool   // false: an operator holds the instance offline
	suspicion int    // second opinions so far that agree
	denied    bool   // a new connection was made because our login was not known; no second one for that
	shown     bool   // our subscription shows us
	doubted   bool   // the open list does not, and a new connection has looked at that
	repeated  bool   // Register has registered a second time
	insists   bool   // a repeated withdrawal was accepted, and our subscription shows us still
	probed    bool   // the registry has accepted the probe of this incident, and nobody could be asked since
}

type state string

const (
	stateIdle        state = "idle"        // nothing is published
	stateRegistering state = "registering" // Register is under way, and does what there is to be done
	stateRegistered  state = "registered"
	stateAbsent      state = "absent"
	stateProbing     state = "probing"
	stateOffline     state = "offline by operator"
	stateWithdrawn   state = "withdrawn"
	stateClosed      state = "closed"
)

type event string

const (
	eventRegister  event = "register"      // Register begins an attempt
	eventGaveUp    event = "gave up"       // Register has failed
	eventWithdraw  event = "withdraw"      // Deregister begins
	eventClose     event = "close"         // Close begins
	eventListed    event = "listed"        // our subscription shows us
	eventBack      event = "listed again"  // the open list shows us, just before a withdrawal
	eventGone      event = "gone"          // our subscription does not
	eventTimeout   event = "timeout"       // the wait is over
	eventAccepted  event = "accepted"      // the registration, by the registry
	eventFailed    event = "failed"        // the registration, the new connection, or the repeated withdrawal
	eventThere     event = "listed there"  // second opinion
	eventNotThere  event = "not there"     // second opinion
	eventUnheld    event = "not held"      // second opinion: neither there nor switched off
	eventNoOpinion event = "no opinion"    // none was to be had
	eventDenied    event = "denied"        // the registration or the second opinion, for want of rights
	eventReplaced  event = "replaced"      // there is a new connection
	eventWithdrew  event = "withdrew anew" // the repeated withdrawal is over
)

type action string

const (
	doNothing  action = "nothing"
	doAwait    action = "await"
	doRegister action = "register again"
	doAsk      action = "second opinion"         // list, else a fresh client
	doAskList  action = "second opinion by list" // no fresh client: it is asked for again and again
	doAskFresh action = "second opinion by a fresh client"
	doReplace  action = "new connection"
	doWithdraw action = "deregister again"
)

func newMachine(t timing) machine {
	return machine{t: t, state: stateIdle, todo: doNothing, online: true}
}

func (m *machine) enter(s state, a action) {
	m.state, m.todo, m.wait = s, a, 0
	m.revision++
}

func (m *machine) enterFor(s state, d time.Duration) {
	m.enter(s, doAwait)
	m.wait = d
}

// handle is the whole machine. An event that has no place in a state changes nothing.
func (m *machine) handle(e event) {
	switch e {
	case eventClose:
		m.enter(stateClosed, doNothing)
		return
	case eventWithdraw:
		if m.state != stateClosed {
			m.enter(stateWithdrawn, doNothing)
		}
		return
	case eventRegister:
		if m.state != stateClosed {
			m.suspicion, m.repeated, m.insists = 0, false, false
			m.enter(stateRegistering, doRegister)
		}
		return
	case eventGaveUp: // also when the list has come at the last moment
		if m.state != stateClosed && m.state != stateWithdrawn {
			m.enter(stateIdle, doNothing)
		}
		return
	}
	switch e {
	case eventListed:
		m.shown = true
	case eventGone:
		m.shown = false
	}
	if !m.todo.leadsTo(e) {
		return
	}
	if e == eventDenied && m.denied {
		e = eventNoOpinion
	}
	switch e {
	case eventDenied:
		m.denied = true
	case eventThere, eventNotThere, eventUnheld:
		m.denied = false
	}
	if e == eventUnheld && m.state != stateProbing && m.state != stateRegistering {
		e = eventNotThere
	}
	switch m.state {
	case stateRegistering:
		m.whileRegistering(e)
	case stateRegistered:
		m.whileRegistered(e)
	case stateAbsent:
		m.whileAbsent(e)
	case stateProbing:
		m.whileProbing(e)
	case stateOffline:
		m.whileOffline(e)
	case stateWithdrawn:
		m.whileWithdrawn(e)
	}
}

// leadsTo keeps out what can only come of another todo. What comes from outside may come at any time.
func (a action) leadsTo(e event) bool {
	switch e {
	case eventTimeout:
		return a == doAwait
	case eventAccepted:
		return a == doRegister
	case eventDenied:
		return a == doRegister || a == doAskList
	case eventThere, eventNotThere, eventUnheld, eventNoOpinion:
		return a == doAsk || a == doAskList || a == doAskFresh
	case eventReplaced:
		return a == doRegister || a == doAsk || a == doAskList || a == doAskFresh || a == doReplace
	case eventFailed:
		return a == doRegister || a == doAsk || a == doAskList || a == doAskFresh || a == doReplace || a == doWithdraw
	case eventWithdrew:
		return a == doWithdraw
	}
	return true
}
