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

// compare plays schedules with Lossless, which must lose nothing, and with Hasty, which must lose something: else the
// schedule does not show what it is for.
func compare(t *testing.T, seeds uint64, change func(*sim.Schedule)) {
	t.Helper()
	var mu sync.Mutex
	lost := 0
	t.Run("seeds", func(t *testing.T) {
		for seed := range seeds {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				s := drawn(seed)
				s.Exit, s.Faults, s.Budget = false, nil, 20*time.Second
				change(&s)
				play(t, s, sim.Lossless, fmt.Sprintf("go test ./internal/sim -run '%s'", t.Name()), false)
				var r sim.Result
				synctest.Test(t, func(*testing.T) { r = sim.Run(s, sim.Hasty, slog.New(slog.DiscardHandler)) })
				mu.Lock()
				defer mu.Unlock()
				lost += len(r.Lost)
			})
		}
	})
	if lost == 0 {
		t.Error("Hasty has lost nothing")
	}
}

func clients(seed uint64, every time.Duration, kinds ...sim.ClientKind) (plans []sim.ClientPlan) {
	for n, kind := range kinds {
		plans = append(plans, sim.ClientPlan{Kind: kind, Seed: seed*16 + uint64(n), Every: every})
	}
	return plans
}

// One instance is replaced by another, which is started first and has just become ready. Consumers on other nodes may
// hear that the old one has gone before they hear that the new one is there, and the old one's own node may hear of it
// last.
func TestOneInstanceAndItsSuccessor(t *testing.T) {
	compare(t, 4, func(s *sim.Schedule) {
		s.Slots, s.Group, s.Nodes = 1, 1, 3
		s.Spread, s.Settle, s.Successor = 1400*time.Millisecond, 1500*time.Millisecond, 3*time.Second
		s.Acts = [][]sim.Act{{{Kind: sim.Restart, Surge: true}, {Kind: sim.Restart, Surge: true}, {Kind: sim.Restart, Surge: true}}}
		s.Clients = clients(s.Seed, 20*time.Millisecond, sim.PerInstance, sim.PerInstance, sim.PerInstance, sim.PerInstance, sim.PerInstance, sim.Fresh)
	})
}

// A client with health checking knows no other instance for a while, although one is registered and ready.
func TestHealthWhileTheSuccessorIsNotKnown(t *testing.T) {
	compare(t, 4, func(s *sim.Schedule) {
		s.Slots, s.Group, s.Nodes = 1, 1, 2
		s.Spread, s.Settle, s.Successor = 1400*time.Millisecond, 1500*time.Millisecond, 3*time.Second
		s.Acts = [][]sim.Act{{{Kind: sim.Restart, Surge: true}}}
		s.Clients = clients(s.Seed, 20*time.Millisecond, sim.RoundRobinHealth, sim.RoundRobinHealth)
	})
}

// Two servers stand behind one address, and a client with health checking has one connection. Another client may keep
// its server from going quiet.
func TestHealthBehindOneAddress(t *testing.T) {
	for name, kinds := range map[string][]sim.ClientKind{
		"alone":                            {sim.RoundRobinHealth},
		"with others that are never quiet": {sim.RoundRobinHealth, sim.RoundRobin, sim.PickFirst, sim.RoundRobin, sim.PickFirst},
	} {
		t.Run(name, func(t *testing.T) {
			compare(t, 4, func(s *sim.Schedule) {
				s.Slots, s.Group, s.Virtual = 2, 1, true
				s.Acts = [][]sim.Act{{{Kind: sim.Restart}}, {{Kind: sim.Restart}}}
				s.Clients = clients(s.Seed, 20*time.Millisecond, kinds...)
			})
		})
	}
}

// All instances of one colour leave at once, when they see those of the other.
func TestBlueAndGreen(t *testing.T) {
	for seed := range uint64(4) {
		s := drawn(seed)
		s.Slots, s.Group, s.Nodes, s.Exit, s.Faults, s.Budget = 2, 2, 3, false, nil, 20*time.Second
		s.Spread, s.Settle = 1400*time.Millisecond, 1500*time.Millisecond
		s.Acts = [][]sim.Act{{{Kind: sim.Restart, Surge: true}}, {{Kind: sim.Restart, Surge: true}}}
		s.Clients = clients(seed, 20*time.Millisecond, sim.PerInstance, sim.PerInstance, sim.PerInstance, sim.RoundRobinHealth, sim.RoundRobinHealth)
		directed(t, seed, s)
	}
}
