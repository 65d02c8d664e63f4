// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"context"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func TestRegisterListDeregister(t *testing.T) {
	registry := nacostest.Start(t)
	service := Service{Name: "shop"}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	listing, err := Subscribe(registry.Addr(), service)
	if err != nil {
		t.Fatal(err)
	}
	client, err := Open(registry.Addr(), service)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Register("127.0.0.1:1234", map[string]string{"id": "a"}); err != nil {
		t.Fatal(err)
	}
	listed := func(instances []Instance) bool {
		return len(instances) == 1 && instances[0].Addr == "127.0.0.1:1234" && instances[0].Metadata["id"] == "a"
	}
	if err := listing.Wait(ctx, listed); err != nil {
		t.Fatalf("Wait(listed) = %v with %v, want nil", err, listing.Instances())
	}
	if err := client.Deregister("127.0.0.1:1234"); err != nil {
		t.Fatal(err)
	}
	// The last instance leaves the list too.
	if err := listing.Wait(ctx, func(instances []Instance) bool { return len(instances) == 0 }); err != nil {
		t.Errorf("Wait(empty) = %v with %v, want nil", err, listing.Instances())
	}
	for _, closer := range []func() error{client.Close, listing.Close} {
		if err := closer(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	}
}

// The SDK's own subscription after its connect may be faster than ours, and its list is on its way when ours returns.
func TestSubscribeHasTheFirstList(t *testing.T) {
	registry := nacostest.Start(t)
	withdraw, err := registry.Publish("shop", "127.0.0.1:1234")
	if err != nil {
		t.Fatal(err)
	}
	defer withdraw()
	for range 50 {
		listing, err := Subscribe(registry.Addr(), Service{Name: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		if got := listing.Instances(); len(got) != 1 {
			t.Errorf("Instances() = %v when Subscribe had returned, want one", got)
		}
		if err := listing.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	listing, err := Subscribe(nacostest.Start(t).Addr(), Service{Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	defer listing.Close()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, context.Canceled)
	defer cancel()
	if err := listing.Wait(ctx, func([]Instance) bool { return false }); err != context.Canceled {
		t.Errorf("Wait() = %v, want the cause of the context's end", err)
	}
}

func TestWrongAddresses(t *testing.T) {
	if _, err := Open("localhost", Service{Name: "shop"}); err == nil {
		t.Error("Open(localhost) = nil, want an error about the port")
	}
	if _, _, err := hostPort("127.0.0.1:70000"); err == nil {
		t.Error("hostPort(127.0.0.1:70000) = nil, want an error about the port")
	}
}
