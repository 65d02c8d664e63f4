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
// that, and requests to Handler. It asks Caller, so call it while draining only.
func (t *Tracker) Oldest(n int) (oldest []RPC, unnamed int) {
	t.mu.Lock()
	list := append(t.streams.oldest(n), t.calls.oldest(n)...)
	unnamed = max(inFlight(t.word.load())-t.calls.open.Len(), 0)
	t.mu.Unlock()
	slices.SortStableFunc(list, func(a, b *detached) int { return a.began.Compare(b.began) })
	for _, d := range list[:min(max(n, 0), len(list))] {
		oldest = append(oldest, RPC{printable(d.method, textMost), t.peerOf(d.rpc), d.roster == &t.streams, d.began})
	}
	return oldest, unnamed
}

// oldest is called with the mutex held.
func (r *roster) oldest(n int) []*detached {
	var list []*detached
	for e := r.open.Front(); e != nil && len(list) < n; e = e.Next() {
		list = append(list, e.Value.(*detached))
	}
	return list
}
