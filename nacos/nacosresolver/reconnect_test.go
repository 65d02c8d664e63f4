// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The SDK reconnects in these tests, which is a data race inside nacos-sdk-go v2.3.5: RpcClient.currentConnection
// (nacos-sdk-go#905, mended by nacos-sdk-go#887, which is in no release).

package nacosresolver_test

import (
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func TestRegistryDownAtStart(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	registry.Kill()
	c := follow(t, nacosresolver.Config{Servers: []string{registry.Addr()}}, "nacos:///orders")
	c.wantError(t, "cannot reach")
	if err := registry.Revive(); err != nil {
		t.Fatal(err)
	}
	publish(t, registry, "orders", "10.0.0.1:1")
	c.want(t, "10.0.0.1:1/100")
}

func TestSubscriptionRefusedAtStart(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	publish(t, registry, "orders", "10.0.0.1:1")
	registry.FailNext(nacostest.Forbidden, 2, nacostest.Subscribe) // one by the SDK's redo, one by us
	c := follow(t, nacosresolver.Config{Servers: []string{registry.Addr()}}, "nacos:///orders")
	c.want(t, "10.0.0.1:1/100")
}

// A restarted registry has forgotten everything: its first list is empty, or has only some of the instances.
func TestRegistryRestartKeepsTheList(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]time.Duration{"at once": 0, "3 s": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := nacostest.Start(t)
			c := follow(t, nacosresolver.Config{Servers: []string{registry.Addr()}}, "nacos:///orders")
			publish(t, registry, "orders", "10.0.0.1:1")
			c.want(t, "10.0.0.1:1/100")
			if err := registry.Restart(outage); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the resolver is connected again", func() bool { return registry.Connections() == 1 })
			publish(t, registry, "orders", "10.0.0.2:2")
			c.want(t, "10.0.0.2:2/100") // the next state: there was no empty one in between
			for len(c.errs) > 0 {
				if err := <-c.errs; err != nil && outage == 0 {
					t.Logf("ReportError(%v) before the first list", err)
				}
			}
		})
	}
}
