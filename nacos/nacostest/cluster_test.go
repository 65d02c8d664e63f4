// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// Subscribers on another node hear of everything a sync delay later, and of an
// operator's edit at once.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	slow := quick
	slow.SyncDelay = 1500 * time.Millisecond // more than a busy machine is late
	nodes := nacostest.StartCluster(t, 2, slow)
	us, far := dial(t, nodes[0].Addr()), dial(t, nodes[1].Addr())
	ours, theirs := us.subscribe("orders"), far.subscribe("orders")
	us.register("orders", here)
	first := ours.wait(here)
	second := theirs.wait(here)
	if !second.at.After(first.at) {
		t.Errorf("far callback %v after the own one, want later", second.at.Sub(first.at))
	}

	nodes[1].SetEnabled("orders", here, false)
	ours.wait()
	theirs.wait()
	nodes[0].SetEnabled("orders", here, true)
	ours.wait(here)
	theirs.wait(here)

	us.deregister("orders", here)
	theirs.wait()
	if n := len(nodes[1].Instances("orders")); n != 0 {
		t.Errorf("Instances() on the other node has %d, want none", n)
	}
}

// News of two instances travel by two ways: the old one has gone before the new one is there.
func TestSyncDelayBetweenTwoNodes(t *testing.T) {
	t.Parallel()
	nodes := nacostest.StartCluster(t, 3, quick)
	const next = "10.0.0.8:9090"
	old, successor, far := dial(t, nodes[0].Addr()), dial(t, nodes[1].Addr()), dial(t, nodes[2].Addr())
	seen := far.subscribe("orders")
	old.register("orders", here)
	seen.wait(here)
	nodes[1].SyncDelay(nodes[2], 3*time.Second)
	successor.register("orders", next)
	old.deregister("orders", here)
	seen.wait()
	seen.wait(next)

	nodes[1].SyncDelay(nodes[2], -1)
	began := time.Now()
	successor.deregister("orders", next)
	if gone := seen.wait(); gone.at.Sub(began) > 2*time.Second {
		t.Errorf("heard %v after the deregister, want the delay of the options again", gone.at.Sub(began))
	}
}

// Two nodes that have lost sight of each other, and have it back.
func TestNodesLoseSightOfEachOther(t *testing.T) {
	t.Parallel()
	nodes := nacostest.StartCluster(t, 2, quick)
	const next = "10.0.0.8:9090"
	old, successor, far := dial(t, nodes[0].Addr()), dial(t, nodes[0].Addr()), dial(t, nodes[1].Addr())
	seen := far.subscribe("orders")
	old.register("orders", here)
	seen.wait(here)
	nodes[0].SyncDelay(nodes[1], 24*time.Hour)
	successor.register("orders", next)
	old.CloseClient()
	eventually(t, "only the new one is on its own node", func() bool {
		i := nodes[0].Instances("orders")
		return len(i) == 1 && i[0].Addr() == next
	})
	if i := nodes[1].Instances("orders"); len(i) != 1 || i[0].Addr() != here {
		t.Errorf("Instances() on the other node = %+v, want what it had", i)
	}
	nodes[0].SyncDelay(nodes[1], -1)
	seen.wait(next)
}

func TestClusterOfNone(t *testing.T) {
	t.Parallel()
	if _, err := nacostest.NewCluster(0, nacostest.Options{}); err == nil {
		t.Error("NewCluster(0) = nil, want an error")
	}
}
