// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The tests in this file make the SDK reconnect, or look whether it must, in which
// it races with itself:
// RpcClient.currentConnection is read and written without synchronisation in every
// release up to v2.3.5 (nacos-group/nacos-sdk-go#905; the fix, #887, is in no
// release). Under the race detector they would fail for that alone.

package nacostest_test

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// A lone instance sees an empty list, then itself: the SDK subscribes before it
// registers again.
func TestRestartEmptyList(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)
	before := len(ours.all())
	if err := s.Restart(0); err != nil {
		t.Fatal(err)
	}
	ours.until("two more callbacks, the last with us", func(l list) bool {
		return len(ours.all()) >= before+2 && slices.Equal(l.addrs(), []string{here})
	})
	if got := ours.all()[before]; len(got.hosts) != 0 {
		t.Errorf("first callback after the restart = %v, want the empty list", got.addrs())
	}
}

// Others are back first: the list is not empty, and we are not in it.
func TestRestartPartialList(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us, peer := dial(t, s.Addr()), dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	peer.register("orders", there)
	ours.wait(here, there)
	s.SlowRegister("orders", here, 700*time.Millisecond)
	if err := s.Restart(0); err != nil {
		t.Fatal(err)
	}
	ours.wait(there)
	ours.wait(here, there)
}

func TestOutage(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)
	s.Kill()
	if got := s.Instances("orders"); got != nil {
		t.Errorf("Instances() of a killed server = %v, want nil", got)
	}
	if ok, err := us.DeregisterInstance(deregistration("orders", here)); ok || err == nil {
		t.Errorf("DeregisterInstance() while down = %v, %v, want false and an error", ok, err)
	}
	if ok, err := us.RegisterInstance(registration("orders", there)); ok || err == nil {
		t.Errorf("RegisterInstance() while down = %v, %v, want false and an error", ok, err)
	}
	if err := s.Revive(); err != nil {
		t.Fatal(err)
	}
	if err := s.Revive(); err != nil {
		t.Errorf("Revive() of a running server = %v, want nil", err)
	}
	// What failed is registered, what was deregistered is not.
	ours.wait(there)
}

func TestServeAfter(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)
	before := len(ours.all())
	s.ServeAfter(1500 * time.Millisecond)
	began := time.Now()
	if err := s.Restart(0); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatalf("Dial() of a server that does not serve yet = %v, want nil", err)
	}
	c.Close()
	got := ours.until("to be back", func(l list) bool { return len(ours.all()) > before && len(l.hosts) == 1 })
	if d := got.at.Sub(began); d < 1500*time.Millisecond {
		t.Errorf("listed again after %v, want at least 1.5s", d)
	}
}

func TestFlagSurvivesRestart(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)
	s.SetEnabled("orders", here, false)
	ours.wait()
	if err := s.Restart(50 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the instance to register again", func() bool { return len(s.Instances("orders")) == 1 })
	if got := s.Instances("orders")[0]; got.Enabled || got.Listed {
		t.Errorf("after the restart: %+v, want neither enabled nor listed", got)
	}
	s.SetEnabled("orders", here, true)
	ours.wait(here)
}

// A frozen server loses nobody: requests fail, and after the thaw no callback has
// seen anything.
func TestFreeze(t *testing.T) {
	t.Parallel()
	for name, frozen := range map[string]time.Duration{"shorter than a health check": 0, "longer": 9 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := nacostest.Start(t) // with the real push delay, which hides the reconnect
			us, peer := dial(t, s.Addr()), dial(t, s.Addr())
			ours, theirs := us.subscribe("orders"), peer.subscribe("orders")
			us.register("orders", here)
			ours.wait(here)
			theirs.wait(here)
			before := len(ours.all())
			s.Freeze()
			if ok, err := peer.RegisterInstance(registration("orders", there)); ok || err == nil {
				t.Errorf("RegisterInstance() = %v, %v, want false and an error", ok, err)
			}
			time.Sleep(frozen)
			s.Thaw()
			ours.wait(here, there)
			theirs.wait(here, there)
			for _, l := range ours.all()[before:] {
				if !slices.Contains(l.addrs(), here) {
					t.Errorf("callback with %v, want us in every list", l.addrs())
				}
			}
		})
	}
}

func TestDropClosed(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us, peer := dial(t, s.Addr()), dial(t, s.Addr())
	ours, theirs := us.subscribe("orders"), peer.subscribe("orders")
	us.register("orders", here)
	peer.register("orders", there)
	ours.wait(here, there)
	theirs.wait(here, there)
	s.SlowRegister("orders", here, 500*time.Millisecond)
	s.DropConnections(nacostest.Closed, here)
	theirs.wait(there)
	theirs.wait(here, there)
	ours.wait(here, there)
}

// The server finds the silent client first; the client finds out by its health
// check and comes back.
func TestDropHalfOpen(t *testing.T) {
	t.Parallel()
	o := quick
	o.Idle, o.Detection = 500*time.Millisecond, 300*time.Millisecond
	s := nacostest.Start(t, o)
	us, peer := dial(t, s.Addr()), dial(t, s.Addr())
	ours, theirs := us.subscribe("orders"), peer.subscribe("orders")
	us.register("orders", here)
	peer.register("orders", there)
	ours.wait(here, there)
	theirs.wait(here, there)
	seen, asked := len(ours.all()), s.Requests(nacostest.Register)
	s.DropConnections(nacostest.HalfOpen, here)
	if ok, err := us.RegisterInstance(registration("orders", here)); ok || err == nil {
		t.Errorf("RegisterInstance() into the void = %v, %v, want false and an error", ok, err)
	}
	if got := s.Requests(nacostest.Register); got != asked {
		t.Errorf("%d registrations came through a cut network, want none", got-asked)
	}
	theirs.wait(there)
	if got := len(ours.all()); got != seen {
		t.Errorf("%d callbacks through a cut network, want none", got-seen)
	}
	theirs.wait(here, there)
	ours.wait(here, there)
}

// The ghost: what the dead node had stays, although its owner has moved to the
// living one and deregistered there.
func TestNodeDies(t *testing.T) {
	t.Parallel()
	o := quick
	o.StaleCopy = 3 * time.Second
	nodes := nacostest.StartCluster(t, 2, o)
	us := dial(t, nodes[0].Addr(), nodes[1].Addr())
	us.register("orders", here)
	dead, living := nodes[0], nodes[1]
	if dead.Connections() == 0 {
		dead, living = living, dead
	}
	theirs := dial(t, living.Addr()).subscribe("orders")
	theirs.wait(here)

	died := time.Now()
	dead.Kill()
	eventually(t, "us on the living node", func() bool {
		all := living.Instances("orders")
		return len(all) == 1 && all[0].Owners == 2
	})
	us.deregister("orders", here)
	us.CloseClient()
	if d := theirs.wait().at.Sub(died); d < o.StaleCopy {
		t.Errorf("ghost gone after %v, want %v at least", d, o.StaleCopy)
	}
	if n := len(theirs.all()); n != 2 {
		t.Errorf("%d callbacks, want 2: no gap at the failover", n)
	}
}
