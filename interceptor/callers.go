// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

const (
	callersMost = 20   // that Callers names
	keptMost    = 1000 // that are counted apart; a client that changes its user-agent with each call fills no memory
)

// OtherCallers is the Peer of the entry that counts all callers who have none of their own.
const OtherCallers = "others"

// A Caller is who has sent RPCs to an instance that drains. It is an alias, so that package lifecycle need not be
// imported for it.
type Caller = struct {
	Peer      string    `json:"peer"` // see Tracker.Caller; OtherCallers for all the rest
	Method    string    `json:"method,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
	Count     uint64    `json:"count"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
}

// Callers returns who has sent the late RPCs since the last call of Drain, by peer, method and user-agent: the 20
// busiest, the busiest first, and then OtherCallers. Method and user-agent are cut to 128 printable bytes. For a
// request to Handler the method is the HTTP method and the path. Refused RPCs are not among them.
func (t *Tracker) Callers() []Caller { return t.callers.list() }

// callers counts the late RPCs by who sent them. It is not touched while serving.
type callers struct {
	mu     sync.Mutex
	by     map[callerKey]*Caller
	others Caller
}

func (c *callers) note(k callerKey) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.by[k]
	switch {
	case one != nil:
	case len(c.by) >= keptMost:
		one = &c.others
	default:
		if c.by == nil {
			c.by = make(map[callerKey]*Caller)
		}
		one = &Caller{Peer: k.peer, Method: k.method, UserAgent: k.userAgent}
		c.by[k] = one
	}
	add(one, Caller{Count: 1, First: now, Last: now})
}

func (c *callers) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by, c.others = nil, Caller{}
}

func (c *callers) list() []Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]Caller, 0, len(c.by))
	for _, one := range c.by {
		list = append(list, *one)
	}
	slices.SortFunc(list, func(a, b Caller) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), a.First.Compare(b.First),
			cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.Method, b.Method), cmp.Compare(a.UserAgent, b.UserAgent))
	})
	others := c.others
	for _, one := range list[min(callersMost, len(list)):] {
		add(&others, one)
	}
	list = list[:min(callersMost, len(list))]
	if others.Count > 0 {
		others.Peer = OtherCallers
		list = append(list, others)
	}
	return list
}

func add(to *Caller, more Caller) {
	if to.Count == 0 || more.First.Before(to.First) {
		to.First = more.First
	}
	if more.Last.After(to.Last) {
		to.Last = more.Last
	}
	to.Count += more.Count
}
