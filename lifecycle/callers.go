// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"fmt"
	"time"
)

// Caller is who has sent late calls. It is an alias, so that Calls can have the method Callers without importing this
// package.
type Caller = struct {
	Peer      string    `json:"peer"` // a name, or the host of the connection; "others" for all that have no entry
	Method    string    `json:"method,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
	Count     uint64    `json:"count"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
}

// RPC is one in flight. It is an alias, as Caller is.
type RPC = struct {
	Method string    `json:"method"`
	Peer   string    `json:"peer"`
	Stream bool      `json:"stream,omitempty"`
	Began  time.Time `json:"began"`
}

const oldestShown = 5 // RPCs in flight that Status and a line name

type namesCallers interface{ Callers() []Caller }

// namesRPCs asks the program who the peers are, so it is not called with the lock held.
type namesRPCs interface {
	Oldest(n int) (oldest []RPC, unnamed int)
}

func (m *Manager) callers() []Caller {
	if c, ok := m.calls.(namesCallers); ok {
		return c.Callers()
	}
	return nil
}

// oldest is called while an offline goes on, and only then: the serving path pays nothing for it.
func (m *Manager) oldest() (oldest []RPC, unnamed int) {
	if c, ok := m.calls.(namesRPCs); ok {
		return c.Oldest(oldestShown)
	}
	return nil, 0
}

// lastCaller returns the caller who was seen last, and nil where there is none.
func lastCaller(callers []Caller) *Caller {
	var last *Caller
	for _, c := range callers {
		if last == nil || c.Last.After(last.Last) {
			last = &c
		}
	}
	return last
}

// busiest is what a line has of the callers.
func busiest(callers []Caller) []string {
	list := []string{}
	for _, c := range callers[:min(loggedItems, len(callers))] {
		list = append(list, cutText(fmt.Sprintf("%d from %s", c.Count, whoCalls(c))))
	}
	return list
}

func whoCalls(c Caller) string {
	who := c.Peer
	if who == "" {
		who = "an unknown peer"
	}
	if c.Method != "" {
		who += ", " + c.Method
	}
	if c.UserAgent != "" {
		who += ", " + c.UserAgent
	}
	return who
}
