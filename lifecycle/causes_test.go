// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"math/rand/v2"
	"testing"
)

// Whatever comes in whatever order: the instance serves when nobody wants it gone, and is withdrawn while the hand
// does.
func TestCausesInAnyOrder(t *testing.T) {
	events := []causeEvent{eventDrain, eventResume, eventHeld, eventHeldExit, eventReleased}
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 1))
		var c causes
		var hand, held bool
		for range 30 {
			e := events[random.IntN(len(events))]
			was := c
			do := c.on(e)
			switch e {
			case eventDrain:
				hand = true
			case eventResume:
				hand = false
			case eventHeld, eventHeldExit:
				held = true
			case eventReleased:
				held = false
			}
			if c.hand() != hand || c.operator() != held {
				t.Fatalf("seed %d: %q on %q is %q, want hand %t and operator %t", seed, was, e, c, hand, held)
			}
			right := map[causeAction]bool{
				doNothing: c == was || was == causeHand && e == eventHeld || was == causeBoth && e == eventResume,
				doJoin:    was.hand() && e == eventDrain,
				doDrain:   hand && (e == eventDrain && !was.hand() || e == eventReleased),
				doPark:    was == causeNone && e == eventHeld,
				doServe:   was != causeNone && c == causeNone,
				doStop:    !was.operator() && e == eventHeldExit,
			}[do]
			if !right {
				t.Fatalf("seed %d: %q on %q is %q, and what follows is %q", seed, was, e, c, do)
			}
		}
	}
}
