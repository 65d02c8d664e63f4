// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The SDK reconnects in these tests, which is a data race inside nacos-sdk-go v2.3.5: RpcClient.currentConnection
// (nacos-sdk-go#905, mended by nacos-sdk-go#887, which is in no release).

package sdk

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not in 20 s: %s", what)
		}
	}
}

// After a reconnect we are registered before we ask for the list, which has us then.
func TestRepeatedInOrder(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t, nacostest.Options{PushDelay: 50 * time.Millisecond})
	c := connect(t, Config{Servers: []string{registry.Addr()}})
	got := lists(t, c, "orders")
	next(t, got, 0)
	if err := c.Register(t.Context(), "orders", DefaultGroup, us); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	next(t, got, 1)
	registered := registry.Requests(nacostest.Register)
	if err := registry.Restart(0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "registered again", func() bool { return len(registry.Instances("orders")) == 1 })
	eventually(t, "subscribed again", func() bool { return registry.Requests(nacostest.Subscribe) > 1 })
	if n := registry.Requests(nacostest.Register) - registered; n != 1 {
		t.Errorf("%d registrations after a restart, want 1", n)
	}
	if _, err := registry.Publish("orders", "10.0.0.8:9090"); err != nil {
		t.Fatal(err)
	}
	for {
		l := <-got
		if len(l) == 2 {
			return
		}
		if len(l) == 0 {
			t.Errorf("callback with an empty list after a restart, want none: we are registered first")
		}
	}
}

// A withdrawal whose answer was lost is repeated; a registration that came before it is not.
func TestWithdrawalIsRepeated(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t, nacostest.Options{PushDelay: 50 * time.Millisecond})
	c := connect(t, Config{Servers: []string{registry.Addr()}, Timeout: 500 * time.Millisecond})
	next(t, lists(t, c, "orders"), 0)
	if err := c.Register(t.Context(), "orders", DefaultGroup, us); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	registered := registry.Requests(nacostest.Register)
	registry.FailNext(nacostest.Timeout, 3, nacostest.Deregister)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := c.Deregister(ctx, "orders", DefaultGroup, us); err == nil || errors.Is(err, ErrRefused) {
		t.Fatalf("Deregister() = %v, want no answer", err)
	}
	eventually(t, "withdrawn", func() bool { return len(registry.Instances("orders")) == 0 })
	if n := registry.Requests(nacostest.Register); n != registered {
		t.Errorf("%d registrations, want %d: it is withdrawn", n, registered)
	}
}

// A registry that accepts nothing is not asked more and more often.
func TestRepeatsBackOff(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t, nacostest.Options{PushDelay: 50 * time.Millisecond})
	c := connect(t, Config{Servers: []string{registry.Addr()}, Timeout: 100 * time.Millisecond})
	next(t, lists(t, c, "orders"), 0)
	registry.FailNext(nacostest.ErrorResponse, -1, nacostest.Subscribe)
	before := registry.Requests(nacostest.Subscribe)
	if err := registry.Restart(0); err != nil {
		t.Fatal(err)
	}
	time.Sleep(4 * time.Second)
	n := registry.Requests(nacostest.Subscribe) - before
	if n == 0 || n > 60 {
		t.Errorf("%d subscriptions in 4 s, want some, and fewer each second", n)
	}
	registry.FailNext(nacostest.ErrorResponse, 0)
	if _, err := registry.Publish("orders", "10.0.0.8:9090"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "subscribed again", func() bool { return registry.Requests(nacostest.Subscribe) > before+n })
}

// A registration whose turn comes after its withdrawal was asked for is not registered, and not after a reconnect either.
func TestOvertakenRegistrationStaysAway(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t, nacostest.Options{PushDelay: 50 * time.Millisecond})
	c := connect(t, Config{Servers: []string{registry.Addr()}})
	next(t, lists(t, c, "orders"), 0)
	c.turn <- struct{}{} // both wait for their turn
	registered, withdrawn := make(chan error, 1), make(chan error, 1)
	asked := c.number.Load()
	go func() { registered <- c.Register(t.Context(), "orders", DefaultGroup, us) }()
	eventually(t, "the registration is asked for", func() bool { return c.number.Load() == asked+1 })
	go func() { withdrawn <- c.Deregister(t.Context(), "orders", DefaultGroup, us) }()
	eventually(t, "the withdrawal is asked for", func() bool { return c.number.Load() == asked+2 })
	time.Sleep(50 * time.Millisecond)
	<-c.turn
	if err := <-registered; !errors.Is(err, errWithdrawn) {
		t.Errorf("Register() = %v, want that it is withdrawn", err)
	}
	if err := <-withdrawn; err != nil {
		t.Errorf("Deregister() = %v, want nil", err)
	}
	if err := registry.Restart(0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "connected again", func() bool { return registry.Requests(nacostest.Subscribe) > 1 })
	if left := registry.Instances("orders"); len(left) != 0 {
		t.Errorf("Instances() = %+v after a reconnect, want none", left)
	}
	if err := c.Register(t.Context(), "orders", DefaultGroup, us); err != nil {
		t.Errorf("Register() after it = %v, want nil", err)
	}
}
