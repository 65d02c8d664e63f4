// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"slices"
	"time"
)

// notice is one push on its way to a client.
type notice struct {
	id   string
	key  serviceKey
	list serviceList
}

// pushTask is the push of one service that is due. There is one per service: a
// later reason joins it and leaves with it, sooner than its own delay.
type pushTask struct {
	all  bool
	only map[*client]struct{}
}

// changed pushes the service to everybody after the delay.
func (n *naming) changed(key serviceKey) { n.schedule(key, n.opts.PushDelay, nil) }

// schedule makes a push to c due, or to everybody when c is nil.
func (n *naming) schedule(key serviceKey, delay time.Duration, c *client) {
	s := n.service(key)
	if s.due == nil {
		s.due = &pushTask{only: map[*client]struct{}{}}
	}
	if c == nil {
		s.due.all = true
	} else {
		s.due.only[c] = struct{}{}
	}
	n.agenda.add(key, n.nextTick(time.Now().Add(delay)), func() { n.push(key, s) })
}

// nextTick rounds up to the server's own clock, which looks for due pushes.
func (n *naming) nextTick(t time.Time) time.Time {
	tick := n.opts.PushTick
	ticks := (t.Sub(n.started) + tick - 1) / tick
	return n.started.Add(ticks * tick)
}

// push renews the snapshot and sends it to the clients that it is due for. A
// client that was sent the same list before is left out: on real servers no
// subscriber sees anything either when a registration is repeated.
func (n *naming) push(key serviceKey, s *service) {
	due := s.due
	s.due = nil
	if due.all {
		n.rebuild(key, s)
	}
	sent := 0
	for c := range s.subscribers {
		_, asked := due.only[c]
		sub := c.subscribed[key]
		list := inClusters(n.list(key), sub.clusters)
		if asked || due.all && !slices.EqualFunc(list, sub.sent, sameInstance) {
			sub.sent = list
			n.send(c, key, sub)
			sent++
		}
	}
	n.logPush(key, sent)
}

// send delivers the subscription's list and repeats it to this client alone
// when it does not say that it has it, without a limit on attempts.
func (n *naming) send(c *client, key serviceKey, sub *subscription) {
	if c.deliver == nil {
		return
	}
	id := n.nextPush()
	n.agenda.add(ackTask{c, id}, time.Now().Add(n.opts.AckTimeout), func() {
		if c.subscribed[key] != nil {
			n.schedule(key, n.opts.PushRetry, c)
		}
	})
	c.deliver(notice{id: id, key: key, list: newServiceList(key, sub.clusters, sub.sent, n.stamp())})
}

type ackTask struct {
	client *client
	push   string
}

// acknowledge ends the wait for the client's answer.
func (n *naming) acknowledge(c *client, push string) { n.agenda.drop(ackTask{c, push}) }
