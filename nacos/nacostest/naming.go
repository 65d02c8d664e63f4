// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// naming is the registry as one node holds it, without any transport: clients,
// what they publish, who subscribes, and the list that was pushed last. Its
// methods need the cluster's lock.
type naming struct {
	cluster  *cluster
	opts     Options
	agenda   *agenda
	started  time.Time // pushes leave on ticks counted from here
	clients  map[string]*client
	services map[serviceKey]*service
	pushes   uint64        // number of the last push
	skew     time.Duration // of the clock that stamps lists
	stamped  int64         // the last stamp
	dead     bool          // connections that break now say nothing
	server   *faults       // of the server whose process this is: what it is known by over its restarts
}

// client is one connection. It has one publication per service, and a second
// registration replaces the first.
type client struct {
	id         string
	published  map[serviceKey][]Instance
	subscribed map[serviceKey]*subscription
	deliver    func(notice) // nil when there is nobody to push to
	origin     *naming      // the node that has the connection; nil when it is this one
	expires    time.Time    // of a copy whose node is dead
}

type subscription struct {
	clusters string
	sent     []Instance // the last list answered or pushed
}

// service is known from its first publication on.
type service struct {
	publishers  []*client // latest last
	subscribers map[*client]struct{}
	snapshot    []Instance // what was pushed last; enabled ones only
	built       bool       // snapshot has been built
	held        bool       // the snapshot is not renewed
	due         *pushTask  // nil when no push is due
}

func newNaming(c *cluster, opts Options, pause func(<-chan struct{})) *naming {
	n := &naming{
		cluster:  c,
		opts:     opts,
		started:  time.Now(),
		clients:  map[string]*client{},
		services: map[serviceKey]*service{},
	}
	n.agenda = startAgenda(&c.mu, pause)
	c.mu.Lock()
	defer c.mu.Unlock()
	n.join()
	return n
}

// close ends the node. It must be called without the lock.
func (n *naming) close() {
	n.cluster.mu.Lock()
	n.die()
	n.cluster.mu.Unlock()
	n.agenda.stop()
}

func newClient(id string) *client {
	return &client{
		id:         id,
		published:  map[serviceKey][]Instance{},
		subscribed: map[serviceKey]*subscription{},
	}
}

// connect makes a client that pushes are delivered to; deliver must not block.
func (n *naming) connect(id string, deliver func(notice)) *client {
	c := newClient(id)
	c.deliver = deliver
	n.clients[id] = c
	return c
}

// disconnect removes the client and everything that it published.
func (n *naming) disconnect(c *client) {
	if n.dead || n.clients[c.id] != c {
		return
	}
	delete(n.clients, c.id)
	for _, key := range slices.Collect(maps.Keys(c.published)) {
		n.withdraw(c, key)
	}
	for key := range c.subscribed {
		delete(n.service(key).subscribers, c)
	}
	clear(c.subscribed)
	n.share(c)
}

func (n *naming) service(key serviceKey) *service {
	s := n.services[key]
	if s == nil {
		s = &service{subscribers: map[*client]struct{}{}}
		n.services[key] = s
	}
	return s
}

// register is publish for a client of this node.
func (n *naming) register(c *client, key serviceKey, instances []Instance) {
	n.publish(c, key, instances)
	n.share(c)
}

// deregister takes no address: a connection's publication is found by service.
func (n *naming) deregister(c *client, key serviceKey) {
	if _, ok := c.published[key]; !ok {
		return
	}
	n.withdraw(c, key)
	n.share(c)
}

func (n *naming) publish(c *client, key serviceKey, instances []Instance) {
	old := c.published[key]
	c.published[key] = instances
	s := n.service(key)
	s.publishers = slices.DeleteFunc(s.publishers, func(o *client) bool { return o == c })
	s.publishers = append(s.publishers, c)
	n.remember(key, old)
	n.remember(key, instances)
	n.changed(key)
}

func (n *naming) withdraw(c *client, key serviceKey) {
	old := c.published[key]
	delete(c.published, key)
	s := n.service(key)
	s.publishers = slices.DeleteFunc(s.publishers, func(o *client) bool { return o == c })
	n.remember(key, old)
	n.changed(key)
}

// subscribe returns the list to answer with: what was pushed last, which may be
// older than the last change. A first subscription is pushed to once more.
func (n *naming) subscribe(c *client, key serviceKey, clusters string) []Instance {
	list := inClusters(n.list(key), clusters)
	old := c.subscribed[key]
	c.subscribed[key] = &subscription{clusters: clusters, sent: list}
	n.service(key).subscribers[c] = struct{}{}
	if old == nil {
		n.schedule(key, n.opts.PushDelay, c)
	}
	return list
}

func (n *naming) unsubscribe(c *client, key serviceKey) {
	delete(c.subscribed, key)
	delete(n.service(key).subscribers, c)
}

// stamp is the node's clock as lists carry it, in milliseconds. No two lists get
// the same: the SDK drops the second of a millisecond, and it would not be sent
// again.
func (n *naming) stamp() int64 {
	now := time.Now().Add(n.skew).UnixMilli()
	n.stamped = max(now, n.stamped+1)
	return n.stamped
}

// setSkew lets the clock go back, which stamp by itself does not.
func (n *naming) setSkew(d time.Duration) { n.skew, n.stamped = d, 0 }

func (n *naming) nextPush() string {
	n.pushes++
	return fmt.Sprintf("%d", n.pushes)
}

// names lists the services of a namespace and group that have instances.
func (n *naming) names(in serviceKey) []string {
	var names []string
	for key, s := range n.services {
		if key.namespace == in.namespace && key.group == in.group && len(s.publishers) > 0 {
			names = append(names, key.name)
		}
	}
	slices.Sort(names)
	return names
}
