// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/lifecycle/registrartest"
	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// The contract with the timing that users have, and with what no real registry can be made to do.
func TestRegistrarContractInFakeTime(t *testing.T) {
	t.Parallel()
	registrartest.Test(t, registrartest.Make{
		World: fakeWorld, Bubble: true, Patience: time.Minute, Stay: 3 * recheckWait, Quiet: 3 * recheckWait,
	})
}

func fakeWorld(t testing.TB) registrartest.World {
	inst, err := Instance{Service: "orders"}.checked()
	if err != nil {
		t.Fatal(err)
	}
	registry := &fakeRegistry{}
	r := newRegistrar(inst, defaultTiming(), discard, registry.connect)
	r.outbound = func() (netip.Addr, error) { return netip.MustParseAddr("10.0.0.7"), nil }
	p := &party{Registrar: r, registry: registry}
	between := func(on, off func()) func() func() {
		return func() func() {
			registry.set(on)
			return func() { registry.set(off) }
		}
	}
	return registrartest.World{
		New:         func() (lifecycle.Registrar, error) { return r, nil },
		Addr:        fakeListener,
		Listed:      p.listed,
		Offline:     func() { registry.set(func() { registry.hidden = true }) },
		Online:      func() { registry.set(func() { registry.hidden = false }) },
		Unreachable: between(func() { registry.away = true }, func() { registry.away = false }),
		Freeze:      between(func() { registry.frozen = true }, func() { registry.frozen = false }),
		Refuse:      between(func() { registry.refuse = 1000 }, func() { registry.refuse = 0 }),
		Lose: func() {
			registry.set(func() {
				for _, c := range registry.conns {
					c.published = nil
				}
			})
		},
		Return: func() {
			r.mu.Lock()
			self := r.self
			r.mu.Unlock()
			registry.set(func() { registry.conns[len(registry.conns)-1].published = &self })
		},
		Join: func(addr string) func() {
			at := netip.MustParseAddrPort(addr)
			other := sdk.Instance{
				Ip: at.Addr().String(), Port: uint64(at.Port()), ClusterName: sdk.DefaultCluster, Weight: 1, Healthy: true, Enable: true,
			}
			registry.set(func() { registry.others = append(registry.others, other) })
			return func() {
				registry.set(func() {
					registry.others = slices.DeleteFunc(registry.others, func(i sdk.Instance) bool { return hostPort(i) == addr })
				})
			}
		},
	}
}
