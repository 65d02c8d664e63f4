// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// drawActs draws what happens to one slot: a walk in which most acts find the instance where they matter, and a restart in
// the end. Every fourth act is any.
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

func drawClient(r *rand.Rand, k ClientKind, deaf float64) ClientPlan {
	c := ClientPlan{Kind: k, Seed: r.Uint64(), Every: between(r, 30*time.Millisecond, 400*time.Millisecond), Slow: 0.02, Deaf: deaf, Large: 0.1}
	if k != Fresh && r.IntN(2) == 0 {
		c.Streams = 1 + r.IntN(4)
	}
	if k == Pinned { // so that there are calls when GOAWAY comes
		c.Every = between(r, 10*time.Millisecond, 30*time.Millisecond)
	}
	return c
}

// between draws with the resolution of the clock: two things that nothing ties together do not happen in one instant.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}
