// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/rand/v2"
	"slices"
	"sync"
)

// A view is the list as one follower knows it. The newest wins, as with a registry that numbers its lists.
type view struct {
	random *rand.Rand // when it hears of changes; guarded by the registry's lock
	pinned bool       // it forgets no address

	mu      sync.Mutex
	version uint64
	list    []string
	changed chan struct{} // closed and replaced at each change
}

func (g *registry) follow(pinned bool) *view {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := &view{
		random: rand.New(rand.NewPCG(g.seed, uint64(len(g.views))+1)), pinned: pinned,
		version: g.version, list: g.listed(), changed: make(chan struct{}),
	}
	g.views = append(g.views, v)
	return v
}

func (v *view) learn(version uint64, list []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if version <= v.version {
		return
	}
	if v.pinned {
		for _, addr := range v.list {
			if !slices.Contains(list, addr) {
				list = append(slices.Clip(list), addr)
			}
		}
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
