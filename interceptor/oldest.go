// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"slices"
	"time"
)

// An RPC is one in flight. It is an alias, so that package lifecycle need not be imported for it.
type RPC = struct {
	Method string    `json:"method"`
	Peer   string    `json:"peer"` // see Tracker.Caller
	Stream bool      `json:"stream,omitempty"`
	Began  time.Time `json:"began"`
}

// Oldest returns at most n RPCs in flight, the oldest first: streams, and those unary calls that can be abandoned (see
// Abandonable). The others are a number: unary calls that were admitted before Drain, and so are at least as old as
// that, and requests to Handler. It asks Caller who has sent those that were there before Drain, so call it while
// draining only. It waits for Caller for 20 ms, and once for each RPC; until there is an answer the peer is the
// default.
func (t *Tracker) Oldest(n int) (oldest []RPC, unnamed int) {
	t.mu.Lock()
	list := append(t.streams.oldest(n), t.calls.oldest(n)...)
	unnamed = max(inFlight(t.word.load())-t.calls.open.Len(), 0)
	t.mu.Unlock()
	slices.SortStableFunc(list, func(a, b *detached) int { return a.began.Compare(b.began) })
	list = list[:min(max(n, 0), len(list))]
	t.nameAll(list)
	for _, d := range list {
		peer := d.peer.Load()
		if peer == nil {
			name := identity(d.rpc)
			peer = &name
		}
		oldest = append(oldest, RPC{printable(d.method, textMost), *peer, d.roster == &t.streams, d.began})
	}
	return oldest, unnamed
}

// nameWait is how long Caller is waited for.
const nameWait = 20 * time.Millisecond

// nameAll asks who has sent the RPCs of which that is not known, on a goroutine of its own, since it is the program
// that is asked: one that blocks leaves that one goroutine behind.
func (t *Tracker) nameAll(list []*detached) {
	unknown := slices.DeleteFunc(slices.Clone(list), func(d *detached) bool { return d.peer.Load() != nil })
	if len(unknown) == 0 {
		return
	}
	t.mu.Lock()
	named := t.naming
	if named == nil {
		named = make(chan struct{})
		t.naming = named
		go func() { // waited for, or left behind
			defer close(named)
			for _, d := range unknown {
				name := t.peerOf(d.rpc)
				d.peer.Store(&name)
			}
			t.mu.Lock()
			defer t.mu.Unlock()
			t.naming = nil
		}()
	}
	t.mu.Unlock()
	limit := time.NewTimer(nameWait)
	defer limit.Stop()
	select {
	case <-named:
	case <-limit.C:
	}
}

// oldest is called with the mutex held.
func (r *roster) oldest(n int) []*detached {
	var list []*detached
	for e := r.open.Front(); e != nil && len(list) < n; e = e.Next() {
		list = append(list, e.Value.(*detached))
	}
	return list
}
