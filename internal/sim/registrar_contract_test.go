// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/lifecycle/registrartest"
)

// What the simulation's instances are registered with keeps the contract that lifecycle relies on.
func TestRegistrarContract(t *testing.T) {
	t.Parallel()
	registrartest.Test(t, registrartest.Make{World: contractWorld, Bubble: true, Quiet: 5 * time.Second})
}

func contractWorld(testing.TB) registrartest.World {
	schedule := Schedule{Seed: 1, Nodes: 3, Spread: 500 * time.Millisecond}
	g := newRegistry(schedule)
	newOne := func(id int, addr string) *registrar {
		i := &instance{id: id, at: endpoint{name: addr, instance: id}, strategy: Plain, schedule: &schedule}
		i.accepting, i.serving = true, true
		return newRegistrar(g, i, time.Second)
	}
	ours := newOne(1, "10.0.0.7:50051")
	fault := func(kind FaultKind) func() func() {
		return func() func() {
			g.begin()
			g.set([]Fault{{Kind: kind, Until: time.Hour}})
			return func() { g.set(nil) }
		}
	}
	return registrartest.World{
		New:         func() (lifecycle.Registrar, error) { return ours, nil },
		Addr:        ours.instance.at,
		Listed:      func() bool { return g.lists(ours.addr) },
		Offline:     func() { g.operate(ours.addr, false) },
		Online:      func() { g.operate(ours.addr, true) },
		Unreachable: fault(Down),
		Freeze:      fault(Frozen),
		Join: func(addr string) func() {
			other := newOne(2, addr)
			g.change(0, func() { g.add(addr, other) })
			return func() { g.change(0, func() { g.remove(addr, other) }) }
		},
	}
}

func (g *registry) set(faults []Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = faults
}
