// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"slices"
	"sync"
	"time"
)

// cluster is what all nodes share: one lock, which makes the model simple, the
// list of living nodes, and the operators' edits, which travel by Raft and so
// reach every node at once and outlive each of them.
type cluster struct {
	mu     sync.Mutex
	nodes  []*naming // the living ones
	edits  map[editKey]*edit
	delays map[route]time.Duration // of syncs that do not take what the options say
}

// route is the way of news from one server of the cluster to another.
type route struct{ from, to *faults }

func newCluster() *cluster {
	return &cluster{edits: map[editKey]*edit{}, delays: map[route]time.Duration{}}
}

// share hands a client's publications to the other nodes after the sync delay.
// The official servers send the whole client, and send its end in the same way
// (Distro; other nodes' subscribers hear of a deregister 1.1 s after our own,
// measured on three nodes of 2.5.1).
func (n *naming) share(c *client) {
	if c.origin != nil {
		return
	}
	for _, peer := range n.cluster.nodes {
		if peer == n {
			continue
		}
		delay, ok := n.cluster.delays[route{n.server, peer.server}]
		if !ok {
			delay = n.opts.SyncDelay
		}
		n.agenda.add(syncTask{c.id, peer}, time.Now().Add(delay), func() {
			if !peer.dead {
				peer.mirror(n, c)
			}
		})
	}
}

// makeUp shares everything once more, also that clients have gone.
func (n *naming) makeUp() {
	for _, c := range n.clients {
		n.share(c)
	}
	for _, peer := range n.cluster.nodes {
		for id, twin := range peer.clients {
			if twin.origin == n && n.clients[id] == nil {
				n.share(newClient(id))
			}
		}
	}
}

type syncTask struct {
	client string
	to     *naming
}

// mirror makes this node's copy of c equal to what its own node has.
func (n *naming) mirror(origin *naming, c *client) {
	twin := n.clients[c.id]
	if twin == nil {
		if len(c.published) == 0 {
			return
		}
		twin = newClient(c.id)
		twin.origin = origin
		n.clients[c.id] = twin
	}
	for key := range twin.published {
		if _, ok := c.published[key]; !ok {
			n.withdraw(twin, key)
		}
	}
	for key, instances := range c.published {
		n.publish(twin, key, instances)
	}
	if len(twin.published) == 0 {
		delete(n.clients, c.id)
	}
}

// die takes the node out of the cluster. The others keep its clients' copies for
// a while, whatever those clients do.
func (n *naming) die() {
	n.dead = true
	n.cluster.nodes = slices.DeleteFunc(n.cluster.nodes, func(o *naming) bool { return o == n })
	expires := time.Now().Add(n.opts.StaleCopy)
	for _, peer := range n.cluster.nodes {
		for _, c := range peer.clients {
			if c.origin == n && c.expires.IsZero() {
				peer.expire(c, expires)
			}
		}
	}
}

func (n *naming) expire(c *client, at time.Time) {
	c.expires = at
	n.agenda.add(staleTask{c.id}, at, func() { n.disconnect(c) })
}

type staleTask struct{ client string }

// join takes the node into the cluster with what one of the others knows, copies
// of dead nodes included. Those start their time anew here: after a rolling restart
// of three nodes of 2.5.1 some of them listed instances that had gone for up to 89 s
// longer than others.
func (n *naming) join() {
	if len(n.cluster.nodes) > 0 {
		peer := n.cluster.nodes[0]
		for _, c := range peer.clients {
			origin := c.origin
			if origin == nil {
				origin = peer
			}
			n.mirror(origin, c)
			if twin := n.clients[c.id]; twin != nil && !c.expires.IsZero() {
				n.expire(twin, time.Now().Add(n.opts.StaleCopy))
			}
		}
	}
	for _, peer := range n.cluster.nodes { // what was on its way to us
		for _, c := range peer.clients {
			if c.origin == nil {
				n.mirror(peer, c)
			}
		}
	}
	n.cluster.nodes = append(n.cluster.nodes, n)
}
