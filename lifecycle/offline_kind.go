// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "time"

// A kind says how far an offline goes, and what hurry it has.
type kind string

const (
	kindPark     kind = "park"     // an operator holds the instance: it stays, and a Deregister would end the operator's flag
	kindDrain    kind = "drain"    // by hand: it stays, withdrawn
	kindExit     kind = "exit"     // it stops, for a reason of our own: an operator's offline, a server that has failed
	kindShutdown kind = "shutdown" // it stops; somebody outside has asked for it, and knows: readiness stays as it was at the trigger
)

// stays tells that Resume or the operator may take it back. It ends when the instance is quiet, and nothing of it is
// forced.
func (k kind) stays() bool { return k == kindPark || k == kindDrain }

func (k kind) withdraws() bool { return k != kindPark }

// settleBy is when settle is over. An absence that nobody has confirmed makes the way to the end longer: consumers keep
// us listed, and the lame duck lives for half the budget. cut tells that the deadline of Shutdown leaves no time for
// settle: WithBudget would have been refused.
func (o *offline) settleBy(settle time.Duration) (by time.Time, cut bool) {
	by = o.absent.Add(settle)
	if o.kind.stays() {
		return by, false
	}
	cut = settle > o.plan.settleMost && by.After(o.plan.half)
	if cut || o.unconfirmed && o.plan.half.After(by) {
		by = o.plan.half
	}
	return by, cut
}

// quietBy is when waiting for quiet ends, if it began at from. wanted is false where half the budget has been waited
// for an absence that nobody has confirmed: that is enough.
func (o *offline) quietBy(from time.Time, policy Policy) (by time.Time, wanted bool) {
	if o.kind.stays() {
		return from.Add(QuietLimit), true
	}
	return o.plan.quietBy(from), policy != Lossless || !o.unconfirmed
}

// goneBy is until when those who still list the instance are asked again. Where it stays there is no hurry: it is only
// said.
func (o *offline) goneBy() time.Time {
	if o.kind.stays() {
		return o.plan.trigger
	}
	return o.plan.half
}
