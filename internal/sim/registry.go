// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A registry is one list of addresses and those who follow it. A change reaches each follower at a time of its own,
// spread at the most after it was made. That bound is what Settle promises; the model keeps it, faults included.
type registry struct {
	spread time.Duration
	faults []Fault

	mu      sync.Mutex
	epoch   time.Time // faults count from here; zero: none yet
	random  *rand.Rand
	entries map[string]*entry
	version uint64
	views   []*view
}

type entry struct {
	owner   *registrar
	offline bool // held by an operator
}

func newRegistry(s Schedule) *registry {
	return &registry{spread: s.Spread, faults: s.Faults, random: rand.New(rand.NewPCG(s.Seed, 1)), entries: map[string]*entry{}}
}

// fault returns what is wrong now, and when that ends.
func (g *registry) fault() (Fault, time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.epoch.IsZero() {
		return Fault{}, time.Time{}
	}
	since := time.Since(g.epoch)
	for _, f := range g.faults {
		if f.From <= since && since < f.Until {
			return f, g.epoch.Add(f.Until)
		}
	}
	return Fault{}, time.Time{}
}

func (g *registry) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.epoch = time.Now()
}

func (g *registry) delay() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return between(g.random, 0, g.spread)
}

// change changes the entries and tells the followers.
func (g *registry) change(do func(map[string]*entry)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	do(g.entries)
	g.version++
	list, version := g.listed(), g.version
	for _, v := range g.views {
		time.AfterFunc(between(g.random, 0, g.spread), func() { v.learn(version, list) })
	}
}

// listed is called with the lock held.
func (g *registry) listed() []string {
	var list []string
	for addr, e := range g.entries {
		if !e.offline {
			list = append(list, addr)
		}
	}
	slices.Sort(list)
	return list
}

func (g *registry) lists(addr string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.entries[addr]
	return e != nil && !e.offline
}

// operate is an operator's click; it does nothing where the instance is not registered, or the registry not there.
func (g *registry) operate(addr string, online bool) {
	if f, _ := g.fault(); f.Kind == Down || f.Kind == Frozen {
		return
	}
	var owner *registrar
	g.change(func(entries map[string]*entry) {
		if e := entries[addr]; e != nil && e.offline == online {
			e.offline, owner = !online, e.owner
		}
	})
	if owner != nil {
		owner.operated(online)
	}
}

func (g *registry) follow() *view {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := &view{version: g.version, list: g.listed(), changed: make(chan struct{})}
	g.views = append(g.views, v)
	return v
}

// A view is the list as one follower knows it. The newest wins, as with a registry that numbers its lists.
type view struct {
	mu      sync.Mutex
	version uint64
	list    []string
	changed chan struct{} // closed and replaced at each change
}

func (v *view) learn(version uint64, list []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if version <= v.version {
		return
	}
	v.version, v.list = version, list
	close(v.changed)
	v.changed = make(chan struct{})
}

func (v *view) look() (list []string, changed <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.list, v.changed
}
