// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"slices"
	"time"
)

// LoseRegistration forgets that addr is registered, without a word to its client:
// the connection stays, the client believes itself registered and does not repeat
// it. Registrations get lost in this way when several nodes restart together
// (alibaba/nacos#15857, open at 2.5.2). A registration sent again heals it in one
// push delay (measured on 2.5.1, 3.0.3 and r-nacos 0.8.5).
func (s *Server) LoseRegistration(service, addr string) {
	key := parseService(service)
	s.withNaming(func(n *naming) {
		for _, c := range n.clients {
			kept := slices.DeleteFunc(slices.Clone(c.published[key]), func(i Instance) bool { return i.Addr() == addr })
			switch {
			case len(kept) == len(c.published[key]):
			case len(kept) > 0:
				n.register(c, key, kept)
			default:
				n.deregister(c, key)
			}
		}
	})
}

// LoseSubscription sends an empty list to the client that publishes addr, to every subscriber if addr is empty, and
// forgets the subscription without a word: nothing is pushed to that client until it subscribes anew. It is blind then,
// and nothing but a second way of looking tells, as with a push that got lost (alibaba/nacos#14042).
func (s *Server) LoseSubscription(service, addr string) {
	key := parseService(service)
	s.withNaming(func(n *naming) {
		for c := range n.service(key).subscribers {
			if addr != "" && !slices.ContainsFunc(c.published[key], func(i Instance) bool { return i.Addr() == addr }) {
				continue
			}
			sub := c.subscribed[key]
			sub.sent = nil
			n.send(c, key, sub)
			n.unsubscribe(c, key)
		}
	})
}

// StaleList keeps the lists of a service as they are now: pushes, answers to
// subscribers and the open list go on showing what was pushed last, with a fresh
// time stamp, until it is called with false or the server restarts. A node that
// gets no news from the others of its cluster looks like this; and it is the
// half second after every change, in which 2.5.1 and 3.0.3 answer from the list
// pushed before, made long.
func (s *Server) StaleList(service string, stale bool) {
	key := parseService(service)
	s.withNaming(func(n *naming) {
		n.list(key)
		n.service(key).held = stale
		if !stale {
			n.changed(key)
		}
	})
}

// SkewClock sets the clock that stamps lists d ahead of the real one, or behind
// it when d is negative. The SDK drops a list whose stamp is not newer than that
// of the list it has: after a step back it ignores every push until the clock
// has caught up (seen with 10 s; alibaba/nacos#14042 has it between nodes).
func (s *Server) SkewClock(d time.Duration) {
	s.faults.mu.Lock()
	s.faults.skew = d
	s.faults.mu.Unlock()
	s.withNaming(func(n *naming) { n.setSkew(d) })
}

// PushDelay sets the time between a change and its push, for changes from now on; zero is that of the Options again.
// Operators set it on the official servers too (nacos.naming.push.pushTaskDelay); r-nacos 0.8.5 takes 500 to 1000 ms.
func (s *Server) PushDelay(d time.Duration) {
	s.faults.mu.Lock()
	s.faults.delay = d
	s.faults.mu.Unlock()
	if d <= 0 {
		d = s.opts.PushDelay
	}
	s.withNaming(func(n *naming) { n.opts.PushDelay = d })
}

// SyncDelay sets how long news of the clients of this server take to reach
// another one of its cluster; negative is Options.SyncDelay again. News of two
// instances then travel by ways of different length: a subscriber may hear that
// one has gone before it hears that its successor is there. After hours of delay
// the two have lost sight of each other; a shorter delay makes up for what was
// missed, as the servers' verification does every five seconds.
func (s *Server) SyncDelay(to *Server, d time.Duration) {
	s.cluster.mu.Lock()
	way := route{s.faults, to.faults}
	if d < 0 {
		delete(s.cluster.delays, way)
	} else {
		s.cluster.delays[way] = d
	}
	s.cluster.mu.Unlock()
	s.withNaming(func(n *naming) { n.makeUp() })
}

// apply gives a starting server the faults that outlive a restart.
func (f *faults) apply(n *naming) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	n.server = f
	n.setSkew(f.skew)
	if f.delay > 0 {
		n.opts.PushDelay = f.delay
	}
}

// withNaming runs f with the lock held, unless the server is down.
func (s *Server) withNaming(f func(*naming)) {
	l := s.life.Load()
	if l == nil {
		return
	}
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	f(l.naming)
}
