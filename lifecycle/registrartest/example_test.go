// SPDX-License-Identifier: Apache-2.0

package registrartest_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/lifecycle/registrartest"
)

// A table is a registry: what a server would have, and its operators' switch.
type table struct {
	mu         sync.Mutex
	registered map[string]bool
	off        map[string]bool
}

func (t *table) set(what map[string]bool, addr string, to bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	what[addr] = to
}

func (t *table) lists(addr string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.registered[addr] && !t.off[addr]
}

// A registrar has no optional method, so what is about these is skipped.
type registrar struct {
	table *table
	addr  string
}

func (r *registrar) Register(ctx context.Context, addr net.Addr) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.table.set(r.table.registered, addr.String(), true)
	return nil
}

func (r *registrar) Deregister(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.table.set(r.table.registered, r.addr, false)
	return nil
}

// In your package this is func TestRegistrar(t *testing.T).
var testRegistrar = func(t *testing.T) {
	const addr = "127.0.0.1:50051"
	registrartest.Test(t, registrartest.Make{
		World: func(testing.TB) registrartest.World {
			table := &table{registered: map[string]bool{}, off: map[string]bool{}}
			return registrartest.World{
				New:     func() (lifecycle.Registrar, error) { return &registrar{table, addr}, nil },
				Listed:  func() bool { return table.lists(addr) },
				Offline: func() { table.set(table.off, addr, true) },
				Online:  func() { table.set(table.off, addr, false) },
			}
		},
		Bubble: true, // all of it is in memory: no real time passes
	})
}

func ExampleTest() { _ = testRegistrar }
