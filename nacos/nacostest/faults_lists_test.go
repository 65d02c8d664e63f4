// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// The client is not told, and registering again heals it.
func TestLoseRegistration(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)
	s.LoseRegistration("orders", here)
	ours.wait()
	us.register("orders", here)
	ours.wait(here)
}

// The client is told that there is nobody, and then nothing any more, until it subscribes anew.
func TestLoseSubscription(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us, them := dial(t, s.Addr()), dial(t, s.Addr())
	ours, theirs := us.subscribe("orders"), them.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)
	theirs.wait(here)
	s.LoseSubscription("orders", here)
	ours.wait()
	if _, err := s.Publish("orders", there); err != nil {
		t.Fatal(err)
	}
	theirs.wait(here, there)
	if got := ours.all(); len(got[len(got)-1].hosts) != 0 {
		t.Errorf("last callback = %v, want none after the empty list", got[len(got)-1].addrs())
	}
	s.LoseSubscription("orders", "")
	theirs.wait()
	dial(t, s.Addr()).subscribe("orders").wait(here, there)
}

func TestStaleList(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)

	s.StaleList("orders", true)
	us.deregister("orders", here)
	if n := len(s.Instances("orders")); n != 0 {
		t.Errorf("Instances() has %d, want none: it tells what is published", n)
	}
	late := dial(t, s.Addr()).subscribe("orders")
	late.wait(here)
	if got := openList(t, s, "orders"); len(got) != 1 {
		t.Errorf("open list = %v, want the stale one", got)
	}

	s.StaleList("orders", false)
	ours.wait()
	late.wait()
}

// After a step back of the clock the SDK is deaf until the clock has caught up.
func TestSkewClock(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)

	s.SkewClock(-time.Hour)
	s.SetEnabled("orders", here, false)
	eventually(t, "an empty open list", func() bool { return len(openList(t, s, "orders")) == 0 })

	s.SkewClock(0)
	if _, err := s.Publish("orders", there); err != nil {
		t.Fatal(err)
	}
	ours.wait(there)
	for _, l := range ours.all()[1:] {
		if len(l.hosts) == 0 {
			t.Errorf("callback with %v, want the push with the old stamp to be dropped", l.addrs())
		}
	}
}

func TestPushDelay(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here) // together with the extra push after the subscription
	us.deregister("orders", here)
	ours.wait()
	s.PushDelay(400 * time.Millisecond)
	began := time.Now()
	us.register("orders", here)
	if d := ours.wait(here).at.Sub(began); d < 400*time.Millisecond {
		t.Errorf("own callback after %v, want at least 400ms", d)
	}
}

func TestOperatorsEdits(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)

	s.SetWeight("orders", here, 5)
	s.SetMetadata("orders", here, map[string]string{"k": "op"})
	edited := func(l list) bool {
		return len(l.hosts) == 1 && l.hosts[0].Weight == 5 && l.hosts[0].Metadata["k"] == "op"
	}
	ours.until("weight 5 and k=op", edited)

	// The client's own weight and flag have no effect any more, a new key has.
	again := registration("orders", here)
	again.Weight, again.Enable, again.Metadata = 7, false, map[string]string{"k": "ours", "v": "2"}
	if ok, err := us.RegisterInstance(again); !ok || err != nil {
		t.Fatalf("RegisterInstance() = %v, %v, want true, nil", ok, err)
	}
	got := ours.until("v=2", func(l list) bool { return len(l.hosts) == 1 && l.hosts[0].Metadata["v"] == "2" })
	if !edited(got) {
		t.Errorf("after registering again: %+v, want the operator's weight and k", got.hosts)
	}

	us.deregister("orders", here)
	ours.wait()
	us.register("orders", here)
	ours.until("the edit to outlive the instance", edited)
}

// An operator can hide what is not there yet, as after a restart of the instance
// within a minute.
func TestHiddenBeforeRegistered(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	s.SetEnabled("orders", here, false)
	us.register("orders", here)
	ours := us.subscribe("orders")
	ours.wait()
	s.SetEnabled("orders", here, true)
	ours.wait(here)
}

func TestSecondOwner(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)
	withdraw, err := s.Publish("orders", here, func(i *nacostest.Instance) { i.Weight = 10 })
	if err != nil {
		t.Fatal(err)
	}
	us.deregister("orders", here)
	if got := s.Instances("orders"); len(got) != 1 || got[0].Owners != 1 {
		t.Errorf("Instances() = %+v, want the second owner's entry", got)
	}
	withdraw()
	withdraw()
	ours.wait()
	if n := len(ours.all()); n != 3 {
		t.Errorf("%d callbacks, want 3: the first deregister changes nothing", n)
	}
}

func TestPublishBadAddress(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	for _, addr := range []string{"", "10.0.0.1", "10.0.0.1:x", "10.0.0.1:99999"} {
		if _, err := s.Publish("orders", addr); err == nil {
			t.Errorf("Publish(%q) = nil, want an error", addr)
		}
	}
}
