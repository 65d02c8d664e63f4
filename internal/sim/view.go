// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"
	"sync"
	"time"
)

// A view is the list as one follower knows it. The newest wins, as with a registry that numbers its lists.
type view struct {
	pinned bool // it forgets no address

	mu      sync.Mutex
	version uint64
	list    []string
	since   map[string]time.Time // when it began to list an address; none for those of its first list
	changed chan struct{}        // closed and replaced at each change
}

func newView(pinned bool) *view {
	return &view{pinned: pinned, since: map[string]time.Time{}, changed: make(chan struct{})}
}

// newFixedView never changes.
func newFixedView(addrs ...string) *view {
	v := newView(false)
	v.list = addrs
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
	for _, addr := range list {
		if !slices.Contains(v.list, addr) {
			v.since[addr] = time.Now()
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

// age returns since when an address is listed, zero for one of the first list.
func (v *view) age(addr string) time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.since[addr]
}
