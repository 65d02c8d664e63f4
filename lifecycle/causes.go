// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "time"

// A course is on what way an instance is. It is guarded by the Manager's lock.
type course struct {
	causes
	drained  time.Time // since when it drains
	drain    *offline  // the last drain since the instance served
	shutdown *offline  // nil until Shutdown; the causes are of no consequence then
	last     *offline  // the one to report
}

// Causes are why an instance drains. It serves again when there is none.
type causes string

const (
	causeNone     causes = ""
	causeHand     causes = "by hand"
	causeOperator causes = "by operator" // parked: listed as far as we are concerned
	causeBoth     causes = "by both"     // withdrawn, whatever the operator does
)

// A causeEvent is what changes the causes.
type causeEvent string

const (
	eventDrain    causeEvent = "drain"
	eventResume   causeEvent = "resume"
	eventHeld     causeEvent = "held"       // operators hold the instance offline at all registrars
	eventHeldExit causeEvent = "held, exit" // the same, and that ends it (Exit)
	eventReleased causeEvent = "released"   // an operator has switched it on at one of them
)

// A causeAction is what has to be done about it.
type causeAction string

const (
	doNothing causeAction = ""
	doJoin    causeAction = "join" // the drain by hand that is under way; one that is over is begun anew
	doDrain   causeAction = "drain"
	doPark    causeAction = "park"
	doServe   causeAction = "serve"
	doStop    causeAction = "stop"
)

type causeStep struct {
	next causes
	do   causeAction
}

// causeSteps has what changes something.
var causeSteps = map[causes]map[causeEvent]causeStep{
	causeNone: {
		eventDrain:    {causeHand, doDrain},
		eventHeld:     {causeOperator, doPark},
		eventHeldExit: {causeOperator, doStop},
	},
	causeHand: {
		eventDrain:    {causeHand, doJoin},
		eventResume:   {causeNone, doServe},
		eventHeld:     {causeBoth, doNothing},
		eventHeldExit: {causeBoth, doStop},
		eventReleased: {causeHand, doDrain}, // it is listed there: it has to be withdrawn, and to settle, after all
	},
	causeOperator: {
		eventDrain:    {causeBoth, doDrain},
		eventReleased: {causeNone, doServe},
	},
	causeBoth: {
		eventDrain:    {causeBoth, doJoin},
		eventResume:   {causeOperator, doNothing},
		eventReleased: {causeHand, doDrain},
	},
}

// on takes an event, and returns what has to be done about it.
func (c *causes) on(e causeEvent) causeAction {
	step, ok := causeSteps[*c][e]
	if !ok {
		return doNothing
	}
	*c = step.next
	return step.do
}

func (c causes) hand() bool { return c == causeHand || c == causeBoth }

func (c causes) operator() bool { return c == causeOperator || c == causeBoth }
