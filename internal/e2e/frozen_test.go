// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The SDK reconnects here, which is a data race inside nacos-sdk-go v2.3.5 (nacos-sdk-go#905).

package e2e

import (
	"errors"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// TestFrozenRegistryDuringDeregister: nobody hears that the instance goes, and GOAWAY moves them all the same.
func TestFrozenRegistryDuringDeregister(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	going := startInstance(t, registry, lifecycle.WithBudget(testBudget))
	load := startLoad(t, registry)
	staying := startInstance(t, registry)
	staying.await(t, "called", func() bool { return staying.calls.Admitted() > 0 })

	registry.Freeze()
	defer registry.Thaw()
	began := time.Now()
	going.stop()
	if err := going.finish(t); !errors.Is(err, nacos.ErrUnconfirmed) {
		t.Errorf("Run() = %v, want nacos.ErrUnconfirmed", err)
	}
	if took := time.Since(began); took > testBudget+time.Second {
		t.Errorf("Run returned after %v, want the budget of %v and a second at the most", took, testBudget)
	}
	r := going.Report()
	if !r.Unconfirmed || r.Forced {
		t.Errorf("Report: unconfirmed %t, forced %t, want true and false", r.Unconfirmed, r.Forced)
	}
	for _, p := range r.Phases {
		if late := p.After - testBudget/2; p.Name == "goaway" && (late < 0 || late > time.Second) {
			t.Errorf("GracefulStop began %v after the trigger, want half the budget, %v", p.After, testBudget/2)
		}
	}
	load.end(t)
}
