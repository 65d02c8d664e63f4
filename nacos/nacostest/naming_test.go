// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var orders = newServiceKey("", "", "orders")

func at(addr string) []Instance {
	ip, _, _ := strings.Cut(addr, ":")
	return []Instance{{IP: ip, Port: 80, Cluster: defaultCluster, Weight: 1, Healthy: true, Enabled: true}}
}

// node is a naming model without a transport, on fake time.
type node struct {
	t *testing.T
	*naming
	began time.Time
}

func newTestNode(t *testing.T, c *cluster) *node {
	n := &node{t: t, naming: newNaming(c, Options{}.withDefaults(), nil), began: time.Now()}
	t.Cleanup(n.close)
	return n
}

// do runs f with the lock held and lets everything settle.
func (n *node) do(f func()) {
	n.cluster.mu.Lock()
	f()
	n.cluster.mu.Unlock()
	synctest.Wait()
}

// ear is a subscriber that writes down what it was pushed and when.
type ear struct {
	*client
	heard []string
	mute  bool // does not acknowledge
}

func (n *node) newEar(name string) *ear {
	e := &ear{}
	n.do(func() {
		e.client = n.connect(name, func(p notice) {
			var ips []string
			for _, h := range p.list.Hosts {
				ips = append(ips, h.IP)
			}
			e.heard = append(e.heard, time.Since(n.began).String()+" "+strings.Join(ips, " "))
			if !e.mute {
				n.acknowledge(e.client, p.id)
			}
		})
	})
	return e
}

// wantHeard compares what e has heard from the given entry on.
func (n *node) wantHeard(e *ear, from int, want ...string) {
	n.t.Helper()
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	if got := e.heard[min(from, len(e.heard)):]; !slices.Equal(got, want) {
		n.t.Errorf("pushes heard from number %d on:\n got %q\nwant %q", from, got, want)
	}
}

func TestPushTiming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTestNode(t, newCluster())
		e := n.newEar("subscriber")
		us, peer := n.newEar("us"), n.newEar("peer")
		n.do(func() { n.subscribe(e.client, orders, "") })
		time.Sleep(time.Second)
		// The extra push after a first subscription.
		n.wantHeard(e, 0, "500ms ")

		// A burst: the later change leaves with the first, on a tick.
		time.Sleep(30 * time.Millisecond)
		n.do(func() { n.register(us.client, orders, at("1.1.1.1:80")) }) // 1030 ms
		time.Sleep(400 * time.Millisecond)
		n.do(func() { n.register(peer.client, orders, at("2.2.2.2:80")) }) // 1430 ms
		time.Sleep(time.Second)
		n.wantHeard(e, 1, "1.6s 1.1.1.1 2.2.2.2")

		// The same again changes nothing, and nothing is pushed.
		n.do(func() { n.register(us.client, orders, at("1.1.1.1:80")) })
		time.Sleep(2 * time.Second)
		n.wantHeard(e, 2)

		// The last one gone: the empty list is pushed.
		n.do(func() { n.deregister(us.client, orders); n.disconnect(peer.client) }) // 4430 ms
		time.Sleep(time.Second)
		n.wantHeard(e, 2, "5s ")
	})
}

func TestAnswersComeFromTheLastPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTestNode(t, newCluster())
		us, late := n.newEar("us"), n.newEar("late")
		n.do(func() { n.register(us.client, orders, at("1.1.1.1:80")) })
		time.Sleep(time.Second)
		n.do(func() { n.deregister(us.client, orders) })
		n.do(func() {
			if got := n.subscribe(late.client, orders, ""); len(got) != 1 {
				t.Errorf("subscribe() right after deregister = %v, want the old list", got)
			}
		})
		time.Sleep(time.Second)
		n.wantHeard(late, 0, "1.5s ")
	})
}

func TestUnacknowledgedPushIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTestNode(t, newCluster())
		e, us := n.newEar("subscriber"), n.newEar("us")
		n.do(func() { n.subscribe(e.client, orders, "") })
		time.Sleep(time.Second)
		n.do(func() { e.mute = true; n.register(us.client, orders, at("1.1.1.1:80")) })
		time.Sleep(10 * time.Second)
		n.do(func() { e.mute = false })
		time.Sleep(20 * time.Second)
		n.wantHeard(e, 1, "1.5s 1.1.1.1", "7.5s 1.1.1.1", "13.5s 1.1.1.1")
	})
}

func TestOnePublicationPerConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTestNode(t, newCluster())
		us := n.newEar("us")
		n.do(func() {
			n.register(us.client, orders, at("1.1.1.1:80"))
			n.register(us.client, orders, at("2.2.2.2:80"))
			if got := n.instances(orders); len(got) != 1 || got[0].IP != "2.2.2.2" {
				t.Errorf("instances() = %+v, want the second registration only", got)
			}
			n.deregister(us.client, orders)
			if got := n.instances(orders); len(got) != 0 {
				t.Errorf("instances() = %+v, want none", got)
			}
		})
	})
}

func TestSecondOwnerKeepsTheEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTestNode(t, newCluster())
		us, other := n.newEar("us"), n.newEar("other")
		n.do(func() {
			n.register(us.client, orders, at("1.1.1.1:80"))
			n.register(other.client, orders, at("1.1.1.1:80"))
			if got := n.instances(orders); len(got) != 1 || got[0].Owners != 2 {
				t.Errorf("instances() = %+v, want one entry of two owners", got)
			}
			n.deregister(us.client, orders)
			if got := n.instances(orders); len(got) != 1 || got[0].Owners != 1 {
				t.Errorf("instances() = %+v, want the entry to stay", got)
			}
		})
	})
}

func TestStampsDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTestNode(t, newCluster())
		n.do(func() {
			first := n.stamp()
			if second := n.stamp(); second <= first {
				t.Errorf("stamp() in the same millisecond = %d, want more than %d", second, first)
			}
			n.setSkew(-10 * time.Second)
			if behind := n.stamp(); behind != first-10_000 {
				t.Errorf("stamp() 10s behind = %d, want %d", behind, first-10_000)
			}
		})
	})
}
