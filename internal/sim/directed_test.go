// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lameduck-go/lameduck/internal/sim"
)

// drawn returns a schedule with a registry, in which nobody has to wait for a successor.
func drawn(seed uint64) sim.Schedule {
	for ; ; seed += 1 << 32 {
		if s := sim.NewSchedule(seed); !s.Small() {
			return s
		}
	}
}

// directed plays a schedule that is not all drawn.
func directed(t *testing.T, seed uint64, s sim.Schedule) {
	t.Run(fmt.Sprint(seed), func(t *testing.T) {
		t.Parallel()
		play(t, s, sim.Lossless, fmt.Sprintf("go test ./internal/sim -run '%s'", t.Name()), false)
	})
}

// An operator puts a parked instance online, and SIGTERM comes before the instance has heard of it: the registry lists
// it again, and the absence of before must not count for settle. Few calls, or quiet hides it.
func TestOnlineJustBeforeTheEnd(t *testing.T) {
	for seed := range uint64(60) {
		s := drawn(seed)
		s.Slots, s.Group, s.Exit, s.Faults = 2, 0, false, nil
		s.Spread, s.Settle, s.Quiet = 1400*time.Millisecond, 1500*time.Millisecond, 100*time.Millisecond
		s.Acts = [][]sim.Act{nil, {
			{Kind: sim.OperatorOffline},
			{Kind: sim.OperatorOnline, Pause: 6 * time.Second},
			{Kind: sim.Restart, Pause: s.Spread / 3},
		}}
		for n := range s.Clients {
			c := &s.Clients[n]
			c.Every, c.Deaf, c.Streams = 400*time.Millisecond, 0, 0
		}
		directed(t, seed, s)
	}
}

// Settle is what one hopes for, and quiet is what one sees: followers that hear later than settle still call, and hold
// off quiet until they have heard. Without it their calls are lost.
func TestQuietCoversWhatSettleDoesNot(t *testing.T) {
	var mu sync.Mutex
	lost := map[time.Duration]int{}
	t.Run("seeds", func(t *testing.T) {
		for seed := range uint64(10) {
			for _, quiet := range []time.Duration{0, 500 * time.Millisecond} {
				s := drawn(seed)
				s.Slots, s.Group, s.Exit, s.Faults = 2, 1, false, nil
				s.Spread, s.Settle, s.Quiet = 1500*time.Millisecond, 300*time.Millisecond, quiet
				s.Acts = [][]sim.Act{{{Kind: sim.Restart, Surge: true}}, {{Kind: sim.Restart, Surge: true}}}
				s.Clients = nil
				for _, kind := range []sim.ClientKind{sim.PerInstance, sim.Fresh} {
					s.Clients = append(s.Clients, sim.ClientPlan{Kind: kind, Seed: seed, Every: 20 * time.Millisecond})
				}
				t.Run(fmt.Sprint(seed, " ", quiet), func(t *testing.T) {
					t.Parallel()
					var r sim.Result
					synctest.Test(t, func(*testing.T) { r = sim.Run(s, sim.Lossless, slog.New(slog.DiscardHandler)) })
					for _, broken := range r.Broken {
						t.Error(broken)
					}
					mu.Lock()
					defer mu.Unlock()
					lost[quiet] += len(r.Lost)
				})
			}
		}
	})
	if lost[0] == 0 || lost[500*time.Millisecond] > 0 {
		t.Errorf("calls lost without quiet and with it: %v, want some and none", lost)
	}
}

// Held by an operator and drained by hand: either alone keeps it draining, and what the operator gives back is
// withdrawn for the hand.
func TestHandAndOperator(t *testing.T) {
	for seed := range uint64(8) {
		s := drawn(seed)
		s.Slots, s.Group, s.Exit, s.Faults = 2, 0, false, nil
		s.Acts = [][]sim.Act{nil, {
			{Kind: sim.OperatorOffline},
			{Kind: sim.Drain, Pause: 3 * time.Second},
			{Kind: sim.OperatorOnline, Pause: time.Second},
			{Kind: sim.Restart, Pause: 12 * time.Second},
		}}
		directed(t, seed, s)
	}
}

// A channel may tell its calls of a refusal that is long over: it is laid at the door of who had gone, not of who has
// come.
func TestBackoffOfThePredecessor(t *testing.T) {
	for seed := range uint64(20) {
		s := drawn(seed)
		s.Slots, s.Group, s.Exit, s.Latency = 2, 0, false, time.Millisecond
		s.Budget, s.StreamGrace = 20*time.Second, 5*time.Second
		s.Spread, s.Settle = 1200*time.Millisecond, 1300*time.Millisecond
		s.Faults = []sim.Fault{{From: 0, Until: 6 * time.Second, Kind: sim.Down}}
		s.Acts = [][]sim.Act{nil, {
			{Kind: sim.Restart, SameAddr: true},
			{Kind: sim.Restart, Pause: 600 * time.Millisecond},
		}}
		s.Clients = []sim.ClientPlan{{Kind: sim.PerInstance, Seed: seed, Every: 30 * time.Millisecond, Streams: 4}}
		directed(t, seed, s)
	}
}

// Counters are zero as soon as handlers have returned, and their answers are still on their way: the transport decides
// when all is done.
func TestAnswersThatAreStillOnTheirWay(t *testing.T) {
	for seed := range uint64(4) {
		s := drawn(seed)
		s.Slots, s.Group, s.Exit, s.Faults, s.Latency = 2, 0, false, nil, 20*time.Millisecond
		s.Acts = [][]sim.Act{nil, {{Kind: sim.Restart}}}
		s.Clients = nil
		for n := range uint64(4) {
			s.Clients = append(s.Clients, sim.ClientPlan{Kind: sim.Pinned, Seed: seed*4 + n, Every: 40 * time.Millisecond, Large: 1})
		}
		directed(t, seed, s)
	}
}

// An operator's offline ends the process, and its successor finds it: that one parks, or a supervisor would restart it
// in a loop.
func TestExitParksWhereTheFlagIsFound(t *testing.T) {
	for seed := range uint64(8) {
		s := drawn(seed)
		s.Slots, s.Group, s.Exit, s.Faults = 2, 0, true, nil
		s.Acts = [][]sim.Act{nil, {
			{Kind: sim.OperatorOffline},
			{Kind: sim.Restart, SameAddr: true, Pause: time.Second},
			{Kind: sim.OperatorOnline, Pause: 10 * time.Second},
			{Kind: sim.Restart, Pause: 5 * time.Second},
		}}
		directed(t, seed, s)
	}
}
