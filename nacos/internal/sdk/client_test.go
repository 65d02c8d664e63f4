// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

var us = Instance{Ip: "10.0.0.7", Port: 9090, ClusterName: DefaultCluster, Weight: 1}

func connect(t *testing.T, cfg Config) *Client {
	t.Helper()
	s, err := Prepare(cfg)
	if err != nil {
		t.Fatalf("Prepare(%+v) = %v, want nil", cfg, err)
	}
	c := s.NewClient()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	})
	return c
}

// lists hands what the subscription shows to the test.
func lists(t *testing.T, c *Client, service string) <-chan []Instance {
	t.Helper()
	got := make(chan []Instance, 100)
	if err := c.Subscribe(t.Context(), service, DefaultGroup, func(l []Instance) { got <- l }); err != nil {
		t.Fatalf("Subscribe() = %v, want nil", err)
	}
	return got
}

func next(t *testing.T, from <-chan []Instance, want int) []Instance {
	t.Helper()
	select {
	case l := <-from:
		if len(l) != want {
			t.Fatalf("callback with %d instances, want %d", len(l), want)
		}
		return l
	case <-time.After(10 * time.Second):
		t.Fatalf("no callback in 10 s, want one with %d instances", want)
		return nil
	}
}

func TestRegisterSubscribeListDeregister(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	c := connect(t, Config{Servers: []string{registry.Addr()}})
	got := lists(t, c, "orders")
	next(t, got, 0)

	if err := c.Register(t.Context(), "orders", DefaultGroup, us); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	if l := next(t, got, 1); l[0].Ip != us.Ip || l[0].Port != us.Port || !l[0].Enable || !l[0].Healthy || !l[0].Ephemeral {
		t.Errorf("callback with %+v, want %+v enabled, healthy and ephemeral", l[0], us)
	}
	if l, err := c.List(t.Context(), "orders", DefaultGroup); err != nil || len(l) != 1 {
		t.Errorf("List() = %v, %v, want one instance", l, err)
	}
	if err := c.Deregister(t.Context(), "orders", DefaultGroup, us); err != nil {
		t.Fatalf("Deregister() = %v, want nil", err)
	}
	next(t, got, 0) // an empty list is a list too
	if l, err := c.List(t.Context(), "orders", DefaultGroup); err != nil || len(l) != 0 {
		t.Errorf("List() = %v, %v, want none", l, err)
	}
}

func TestCloseRefusesCalls(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	c := connect(t, Config{Servers: []string{registry.Addr()}})
	next(t, lists(t, c, "orders"), 0)
	if err := c.Close(t.Context()); err != nil {
		t.Fatalf("Close() = %v, want nil", err)
	}
	if err := c.Register(t.Context(), "orders", DefaultGroup, us); !errors.Is(err, ErrClosed) {
		t.Errorf("Register() after Close = %v, want ErrClosed", err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Errorf("second Close() = %v, want nil", err)
	}
}

func TestCallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	c := connect(t, Config{Servers: []string{registry.Addr()}})
	next(t, lists(t, c, "orders"), 0)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := c.Register(ctx, "orders", DefaultGroup, us); !errors.Is(err, cause) {
		t.Errorf("Register() = %v, want the cause", err)
	}
	if got := registry.Instances("orders"); len(got) != 0 {
		t.Errorf("Instances() = %+v after a call that was over before it began, want none", got)
	}
}

func TestCallsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	c := connect(t, Config{Servers: []string{registry.Addr()}})
	next(t, lists(t, c, "orders"), 0)
	c.turn <- struct{}{} // a call that hangs
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := c.Deregister(ctx, "orders", DefaultGroup, us); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Deregister() behind a hanging call = %v, want deadline exceeded", err)
	}
	<-c.turn
	if err := c.Deregister(t.Context(), "orders", DefaultGroup, us); err != nil {
		t.Errorf("Deregister() = %v, want nil", err)
	}
}

// Nobody waits for the registration any more, and it must not come after the deregistration.
func TestAbandonedCallIsNotOvertaken(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	c := connect(t, Config{Servers: []string{registry.Addr()}})
	next(t, lists(t, c, "orders"), 0)
	registry.SlowRegister("orders", "10.0.0.7:9090", time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := c.Register(ctx, "orders", DefaultGroup, us); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Register() = %v, want deadline exceeded", err)
	}
	if err := c.Deregister(t.Context(), "orders", DefaultGroup, us); err != nil {
		t.Fatalf("Deregister() = %v, want nil", err)
	}
	time.Sleep(1500 * time.Millisecond) // a registration that was overtaken has come by now
	if left := registry.Instances("orders"); len(left) != 0 {
		t.Errorf("Instances() = %+v, want none", left)
	}
}

func TestListWithoutAnyNode(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{Servers: []string{closedPort(t)}})
	if _, err := c.List(t.Context(), "orders", DefaultGroup); !errors.Is(err, ErrNoOpinion) {
		t.Errorf("List() = %v, want ErrNoOpinion", err)
	}
}
