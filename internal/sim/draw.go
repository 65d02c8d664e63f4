// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// drawFleet draws how many instances there are, and how they are replaced.
func (s *Schedule) drawFleet(r *rand.Rand) {
	surge := true
	switch r.IntN(8) {
	case 0: // one instance, whose successor is started first; its own node may hear of that last
		s.Slots, s.Group = 1, 1
		s.Budget = between(r, 15*time.Second, 25*time.Second)
		s.Successor = 2 * s.Spread
	case 1: // blue and green
		s.Group = s.Slots
	case 2: // two leave together
		s.Slots, s.Group = 3+r.IntN(2), 2
		surge = r.IntN(2) == 0
	case 3: // two behind one address
		s.Slots, s.Group, s.Virtual = 2, 1, true
		surge = r.IntN(2) == 0
	case 4, 5:
		s.Group, surge = 1, false
	}
	s.Acts = make([][]Act, s.Slots)
	for i := range s.Acts {
		switch {
		case s.Group == 0 && i > 0:
			s.Acts[i] = drawActs(r)
		case s.Group > 0:
			for range 1 + r.IntN(2)*(3-min(s.Slots, 2)) {
				a := drawRestart(r)
				if surge {
					a.Surge, a.SameAddr = true, false
				}
				if s.Group == s.Slots { // who is hurried does not wait for a successor
					a.Force = 0
				}
				s.Acts[i] = append(s.Acts[i], a)
			}
		}
	}
}

// drawActs draws what happens to one slot: a walk in which most acts find the instance where they matter, and a restart
// in the end. Every fourth act is any.
func drawActs(r *rand.Rand) []Act {
	var acts []Act
	hand, held := false, false
	for range 1 + r.IntN(7) {
		a := Act{Kind: drawKind(r, hand, held), Pause: between(r, 0, 5*time.Second)}
		if r.IntN(2) == 0 {
			a.Pause = between(r, 0, 800*time.Millisecond)
		}
		switch a.Kind {
		case Restart:
			a = drawRestart(r)
			hand, held = false, false
		case Drain, Resume:
			hand = a.Kind == Drain
		case OperatorOffline, OperatorOnline:
			held = a.Kind == OperatorOffline
		}
		acts = append(acts, a)
	}
	return append(acts, drawRestart(r))
}

func drawKind(r *rand.Rand, hand, held bool) ActKind {
	kinds := []ActKind{Drain, Drain, OperatorOffline, OperatorOffline, Restart}
	switch {
	case r.IntN(4) == 0:
		kinds = []ActKind{Restart, Drain, Resume, OperatorOffline, OperatorOnline}
	case held && hand:
		kinds = []ActKind{Resume, OperatorOnline, OperatorOnline, Restart}
	case held:
		kinds = []ActKind{Drain, Resume, OperatorOnline, OperatorOnline, OperatorOnline, Restart}
	case hand:
		kinds = []ActKind{Resume, Resume, Resume, Drain, OperatorOffline, Restart}
	}
	return kinds[r.IntN(len(kinds))]
}

func drawRestart(r *rand.Rand) Act {
	a := Act{Kind: Restart, Pause: between(r, 0, 3*time.Second), Surge: r.IntN(2) == 0}
	a.SameAddr = !a.Surge && r.IntN(2) == 0
	if r.IntN(6) == 0 {
		a.Force = between(r, time.Millisecond, 6*time.Second)
	}
	return a
}

func drawFaults(r *rand.Rand) []Fault {
	var faults []Fault
	for range r.IntN(5) {
		from := between(r, 0, 15*time.Second)
		faults = append(faults, Fault{
			From: from, Until: from + between(r, 100*time.Millisecond, 8*time.Second),
			Kind: Down + FaultKind(r.IntN(int(Unconfirmed))), Slow: between(r, 100*time.Millisecond, 6*time.Second),
		})
	}
	slices.SortFunc(faults, func(a, b Fault) int { return cmp.Compare(a.From, b.From) })
	return faults
}

// drawClient draws a client. One behind a virtual address may be so busy that its instance is never quiet.
func drawClient(r *rand.Rand, k ClientKind, deaf float64, virtual bool) ClientPlan {
	c := ClientPlan{Kind: k, Seed: r.Uint64(), Every: between(r, 30*time.Millisecond, 400*time.Millisecond), Slow: 0.02, Deaf: deaf, Large: 0.1}
	if k != Fresh && r.IntN(2) == 0 {
		c.Streams = 1 + r.IntN(4)
	}
	if k == Pinned || virtual && k != RoundRobinHealth { // so that there are calls when GOAWAY comes
		c.Every = between(r, 10*time.Millisecond, 30*time.Millisecond)
	}
	return c
}

// extreme draws from 0 to most, and often from close to either end: what is late is late because of one way that is
// slow.
func extreme(r *rand.Rand, most time.Duration) time.Duration {
	d := between(r, 0, most+1)
	switch r.IntN(3) {
	case 0:
		return d / 16
	case 1:
		return most - d/16
	}
	return d
}

// between draws with the resolution of the clock: two things that nothing ties together do not happen in one instant.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}
