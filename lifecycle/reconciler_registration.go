// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "time"

// A registration is what is known of the instance at one registrar. Requests and operators change it by events.
type registration struct {
	state    RegistrarState
	err      error     // of the last Register or Deregister
	failure  string    // its text
	final    error     // of a Register that no other try will mend
	inUse    bool      // the registrar is somebody else's
	known    bool      // consumers may know the instance
	presence presence  // what they are shown
	absent   time.Time // since when; zero while shown
	ever     bool      // Register has returned nil before
	fresh    bool      // registered, and Watch has not told yet how the registry holds it
}

// Presence is what a registry shows of the instance, as far as we know.
type presence string

const (
	presenceShown   presence = ""
	presenceHeld    presence = "held"     // an operator holds it offline
	presenceGone    presence = "gone"     // the absence is confirmed
	presenceGivenUp presence = "given up" // withdrawn, and nobody has confirmed it
)

// absence returns since when the instance is not listed, and whether that was seen. It is zero while listed.
func (r *registration) absence() (since time.Time, seen bool) {
	return r.absent, r.presence == presenceHeld || r.presence == presenceGone
}

// to takes what came of a request; wanted tells whether the instance is to be listed by now.
func (r *registration) to(s RegistrarState, err error, failure string, wanted bool, now time.Time) {
	r.state, r.err, r.failure = s, err, failure
	switch s {
	case Registering, Registered: // a Register that has not returned, or has failed, may have listed it
		r.ever, r.known = r.ever || s == Registered, true
		r.fresh = r.fresh || s == Registering
		if r.presence != presenceHeld {
			r.show(presenceShown, time.Time{})
		}
	case Withdrawn, Unconfirmed:
		// An operator may have put it online in between: what was seen before counts for since when, not for whether.
		// Once it is to be listed again, what they do counts for then.
		since := r.absent
		if r.presence != presenceHeld {
			since = now
		}
		switch {
		case wanted && r.presence == presenceHeld:
		case wanted:
			r.show(presenceGivenUp, since)
		case s == Withdrawn:
			r.show(presenceGone, since)
		default:
			r.show(presenceGivenUp, since)
		}
	}
}

// heldBy takes what an operator did. It reports whether that matters: an instance that we withdraw is not held by
// anybody else; and whether it was so already when the instance was registered. It may be told before Register has
// returned.
func (r *registration) heldBy(operator, wanted bool, now time.Time) (matters, atStart bool) {
	if !wanted {
		if !operator && r.presence == presenceHeld { // listed again before we withdrew: the absence begins anew
			r.show(presenceShown, time.Time{})
		}
		return false, false
	}
	atStart, r.fresh = r.fresh, false
	switch {
	case !operator:
		r.show(presenceShown, time.Time{})
	case r.presence != presenceHeld: // else it is told again
		r.show(presenceHeld, now)
	}
	return true, atStart
}

func (r *registration) show(p presence, since time.Time) { r.presence, r.absent = p, since }
