// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestClusterDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		a, b := newTestNode(t, c), newTestNode(t, c)
		us, far := a.newEar("us"), b.newEar("far")
		b.do(func() { b.subscribe(far.client, orders, "") })
		time.Sleep(time.Second)
		a.do(func() { a.register(us.client, orders, at("1.1.1.1:80")) })
		time.Sleep(3 * time.Second)
		a.do(func() { a.deregister(us.client, orders) })
		time.Sleep(3 * time.Second)
		b.wantHeard(far, 1, "2.5s 1.1.1.1", "5.5s ")
	})
}

func TestDeadNodesCopyStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		a, b := newTestNode(t, c), newTestNode(t, c)
		us, far := a.newEar("us"), b.newEar("far")
		b.do(func() { b.subscribe(far.client, orders, "") })
		a.do(func() { a.register(us.client, orders, at("1.1.1.1:80")) })
		time.Sleep(10 * time.Second)
		a.do(a.die)

		moved := b.newEar("us, moved")
		b.do(func() { b.register(moved.client, orders, at("1.1.1.1:80")) })
		time.Sleep(5 * time.Second)
		b.do(func() { b.deregister(moved.client, orders); b.disconnect(moved.client) })
		time.Sleep(300 * time.Second)
		b.wantHeard(far, 1, "1.5s 1.1.1.1", "3m10.5s ")
	})
}

func TestNodeJoinsWithWhatOthersKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		a, b := newTestNode(t, c), newTestNode(t, c)
		us, peer := a.newEar("us"), b.newEar("peer")
		a.do(func() { a.register(us.client, orders, at("1.1.1.1:80")) })
		b.do(func() { b.register(peer.client, orders, at("2.2.2.2:80")) })
		time.Sleep(5 * time.Second)
		a.do(a.die)
		again := newTestNode(t, c)
		again.do(func() {
			if got := again.instances(orders); len(got) != 2 {
				t.Errorf("instances() = %+v, want the living node's and the stale copy", got)
			}
		})
		time.Sleep(200 * time.Second)
		again.do(func() {
			if got := again.instances(orders); len(got) != 1 || got[0].IP != "2.2.2.2" {
				t.Errorf("instances() = %+v, want the living node's only", got)
			}
		})
	})
}
