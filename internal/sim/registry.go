// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// A registry is a list of addresses, the nodes that hand it out, and those who follow one of these.
//
// Settle rests on one promise, and the model keeps it, faults included: of everybody who hears of a change, whoever
// made it among them, the last hears of it spread after the first at the most. News of two instances travel by two
// ways.
type registry struct {
	spread time.Duration
	seed   uint64
	faults []Fault

	mu      sync.Mutex
	epoch   time.Time // faults count from here; zero: none yet
	entries map[string]*entry
	flags   map[string]time.Time // until when an operator's offline outlives the instance that it was for
	history map[string][]listing
	version uint64 // of the changes
	nodes   []*node
}

type entry struct {
	owner   *registrar
	offline bool // held by an operator
}

// A listing is a moment in which an address came onto the list, or left it.
type listing struct {
	at     time.Time
	listed bool
}

// flagLife is how long an official server remembers an operator's offline of an address that has gone.
const flagLife = time.Minute

func newRegistry(s Schedule) *registry {
	g := &registry{
		spread: s.Spread, seed: s.Seed, faults: s.Faults,
		entries: map[string]*entry{}, flags: map[string]time.Time{}, history: map[string][]listing{},
	}
	for n := range max(s.Nodes, 1) {
		g.nodes = append(g.nodes, newNode(s, n))
	}
	return g
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

// healthySince tells whether nothing was wrong for so long.
func (g *registry) healthySince(d time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Since(g.epoch)
	return g.epoch.IsZero() || !slices.ContainsFunc(g.faults, func(f Fault) bool { return f.From <= now && now-d < f.Until })
}

func (g *registry) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.epoch = time.Now()
}

// change changes the entries and tells the nodes; whoever made it, or is told of it, knows it lead later.
func (g *registry) change(lead time.Duration, do func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changeLocked(lead, do)
}

func (g *registry) changeLocked(lead time.Duration, do func()) {
	before := g.listed()
	do()
	list := g.listed()
	for _, addr := range slices.Concat(before, list) {
		listed := slices.Contains(list, addr)
		if listed == slices.Contains(before, addr) {
			continue
		}
		g.history[addr] = append(g.history[addr], listing{time.Now(), listed})
		g.version++
		first := g.nodes[0].draw(lead) // whoever hears of it, hears of it from here on
		for _, n := range g.nodes {
			n.tell(report{addr, listed, g.version}, first, g.spread)
		}
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

// registered returns every address that has an entry, those that an operator holds offline included.
func (g *registry) registered() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.entries))
}

func (g *registry) lists(addr string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.entries[addr]
	return e != nil && !e.offline
}

// absentAt returns since when addr was not listed at t; ok is false when it was listed, or never was before.
func (g *registry) absentAt(addr string, t time.Time) (since time.Time, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.history[addr] {
		if !l.at.After(t) {
			since, ok = l.at, !l.listed
		}
	}
	return since, ok
}

// add lists an instance, unless an operator's offline of its address is still remembered. It is called with the lock
// held.
func (g *registry) add(addr string, owner *registrar) {
	if e := g.entries[addr]; e == nil || e.owner != owner {
		g.entries[addr] = &entry{owner: owner, offline: time.Now().Before(g.flags[addr])}
	}
}

// remove is called with the lock held.
func (g *registry) remove(addr string, owner *registrar) {
	if e := g.entries[addr]; e != nil && e.owner == owner {
		if e.offline {
			g.flags[addr] = time.Now().Add(flagLife)
		}
		delete(g.entries, addr)
	}
}

// operate is an operator's click; it does nothing where the instance is not registered, or the registry not there.
func (g *registry) operate(addr string, online bool) {
	if f, _ := g.fault(); f.Kind == Down || f.Kind == Frozen {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.entries[addr]
	if e == nil || e.offline != online {
		return
	}
	lead := e.owner.delay()
	g.changeLocked(lead, func() { e.offline = !online })
	delete(g.flags, addr)
	e.owner.operated(online, lead)
}
