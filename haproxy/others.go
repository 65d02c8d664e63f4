// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Other is another server of the backend, as our last look has it. It is an alias, and the same type as lifecycle.Other.
type Other = struct {
	Addr   string    // HOST:PORT
	Usable bool      // it gets calls: up, ready, with a weight above zero
	Since  time.Time // when our looks began to show it so; zero: it was in the first one
}

// Others returns the other servers of the backend, sorted by address; nil before a balancer has answered, and not nil
// where there are none. With several
// balancers a server is usable when all of them that have ever answered have it so. It returns at once.
func (r *Registrar) Others() []Other {
	r.mu.Lock()
	defer r.mu.Unlock()
	merged, seen, lists := map[string]Other{}, map[string]int{}, 0
	for _, b := range r.balancers {
		if b.others.known == nil {
			continue
		}
		lists++
		for addr, other := range b.others.known {
			if before, ok := merged[addr]; ok {
				other.Usable = other.Usable && before.Usable
				if before.Since.After(other.Since) {
					other.Since = before.Since
				}
			}
			merged[addr] = other
			seen[addr]++
		}
	}
	for addr, other := range merged {
		other.Usable = other.Usable && seen[addr] == lists
		merged[addr] = other
	}
	if lists == 0 {
		return nil
	}
	others := slices.AppendSeq([]Other{}, maps.Values(merged))
	slices.SortFunc(others, func(a, b Other) int { return cmp.Compare(a.Addr, b.Addr) })
	return others
}

// others is who else one balancer has, by address. Its zero value has had no list.
type others struct{ known map[string]Other }

// update takes a list. Who was not usable before is new.
func (o *others) update(list []server, self server, now time.Time) {
	before, first := o.known, o.known == nil
	o.known = map[string]Other{}
	for _, s := range list {
		if s.name == self.name || s.addr() == self.addr() {
			continue
		}
		other := Other{Addr: s.addr(), Usable: s.up() && s.weight > 0}
		old, known := before[other.Addr]
		switch {
		case known && (old.Usable || !other.Usable):
			other.Since = old.Since
		case !first:
			other.Since = now
		}
		if twin, ok := o.known[other.Addr]; !ok || !twin.Usable { // an address may stand there twice
			o.known[other.Addr] = other
		}
	}
}
