// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// The first connect is no reason to repeat what is asked for at the same time.
func TestNothingIsRepeatedAtTheFirstConnect(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t, nacostest.Options{PushDelay: 50 * time.Millisecond})
	c := connect(t, Config{Servers: []string{registry.Addr()}})
	got := lists(t, c, "orders")
	next(t, got, 0)
	if err := c.Register(t.Context(), "orders", DefaultGroup, us); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	next(t, got, 1)
	for op, want := range map[nacostest.Op]int{nacostest.Subscribe: 1, nacostest.Register: 1, nacostest.Deregister: 0} {
		if n := registry.Requests(op); n != want {
			t.Errorf("%d requests of %v, want %d", n, op, want)
		}
	}
}

// A registry whose clock was set back is heard all the same (the SDK's own client drops its lists until the clock has
// caught up).
func TestOlderListIsAskedFor(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t, nacostest.Options{PushDelay: 50 * time.Millisecond})
	c := connect(t, Config{Servers: []string{registry.Addr()}})
	got := lists(t, c, "orders")
	next(t, got, 0)
	registry.SkewClock(-time.Hour)
	if _, err := registry.Publish("orders", "10.0.0.7:9090"); err != nil {
		t.Fatal(err)
	}
	next(t, got, 1)
	if n := registry.Requests(nacostest.Subscribe); n != 2 {
		t.Errorf("%d subscriptions, want one more for the older list", n)
	}
	if _, err := registry.Publish("orders", "10.0.0.8:9090"); err != nil {
		t.Fatal(err)
	}
	next(t, got, 2)
	if n := registry.Requests(nacostest.Subscribe); n != 2 {
		t.Errorf("%d subscriptions, want no more: the new clock is known", n)
	}
}

// One registry that does not answer holds nobody up who speaks to another.
func TestAnotherRegistryThatIsFrozen(t *testing.T) {
	t.Parallel()
	good, frozen := nacostest.Start(t, nacostest.Options{PushDelay: 50 * time.Millisecond}), nacostest.Start(t)
	frozen.Freeze()
	stuck, err := Prepare(Config{Servers: []string{frozen.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	waiting := stuck.NewClient()
	defer func() {
		frozen.Thaw()
		if err := waiting.Close(t.Context()); err != nil {
			t.Errorf("Close() of the client of the frozen registry = %v, want nil once it is thawed", err)
		}
	}()
	for range 3 {
		began := time.Now()
		s, err := Prepare(Config{Servers: []string{good.Addr()}})
		if err != nil {
			t.Fatal(err)
		}
		c := s.NewClient()
		next(t, lists(t, c, "orders"), 0)
		if err := c.Close(t.Context()); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
		if d := time.Since(began); d > 2*time.Second { // the frozen one takes 9 s
			t.Errorf("a client of the good registry took %v, want no wait for the other", d)
		}
	}
}
