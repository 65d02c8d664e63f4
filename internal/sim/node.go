// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A node is one of the servers that hand out the list: what it has heard of each instance, in its own time.
type node struct {
	mu      sync.Mutex
	random  *rand.Rand
	reports map[string]report
	version uint64 // of its list
	views   []*view
}

// A report is a news of one instance. The latest one counts, whenever it comes.
type report struct {
	addr    string
	listed  bool
	version uint64
}

func newNode(s Schedule, number int) *node {
	return &node{random: rand.New(rand.NewPCG(s.Seed, 3<<32|uint64(number))), reports: map[string]report{}}
}

// draw draws from 0 to most.
func (n *node) draw(most time.Duration) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return between(n.random, 0, most+1)
}

// tell lets the node hear of a report between first and spread after that, and those who follow it in what is left of
// that.
func (n *node) tell(r report, first, spread time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	way := extreme(n.random, spread)
	time.AfterFunc(first+way, func() { n.hear(r, spread-way) })
}

func (n *node) hear(r report, left time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.reports[r.addr].version > r.version {
		return
	}
	n.reports[r.addr] = r
	n.version++
	version, list := n.version, n.list()
	for _, v := range n.views {
		time.AfterFunc(extreme(n.random, left), func() { v.learn(version, list) })
	}
}

// list is called with the lock held.
func (n *node) list() []string {
	var list []string
	for addr, r := range n.reports {
		if r.listed {
			list = append(list, addr)
		}
	}
	slices.Sort(list)
	return list
}

// follow begins to follow the node. A pinned view forgets no address.
func (n *node) follow(pinned bool) *view {
	n.mu.Lock()
	defer n.mu.Unlock()
	v := newView(pinned)
	v.version, v.list = n.version, n.list()
	n.views = append(n.views, v)
	return v
}
