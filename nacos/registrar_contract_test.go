// SPDX-License-Identifier: Apache-2.0

package nacos_test

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/lifecycle/registrartest"
	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// The contract of lifecycle.Registrar. Where TestContract is about what the registry has to show, this one is about what
// the Manager relies on.
func TestRegistrarContract(t *testing.T) {
	t.Parallel()
	t.Run("nacostest", func(t *testing.T) {
		t.Parallel()
		registrartest.Test(t, registrartest.Make{World: imitatedWorld, Patience: patience, Stay: shown, Quiet: believed})
	})
	t.Run("real", func(t *testing.T) {
		t.Parallel()
		addr := os.Getenv(realServer)
		switch {
		case addr != "":
			b := openBackend(t, addr)
			world := func(t testing.TB) registrartest.World { return realWorld(t, b) }
			registrartest.Test(t, registrartest.Make{World: world, Patience: patience, Stay: shown, Quiet: believed, Lag: b.listLag})
		case os.Getenv(required) == "1":
			t.Fatalf("%s is not set, and %s=1 wants it", realServer, required)
		default:
			t.Skipf("%s is not set: no real server to test with", realServer)
		}
	})
}

// believed is what a hastened Registrar takes at most to believe an operator's offline: the push, the grace with its
// jitter, the probe and the second look.
const believed = 4 * time.Second

// shown is what a change takes at most to be shown to consumers, and a withdrawal to be repeated.
const shown = 1500 * time.Millisecond

// realWorld has the levers that a server has for everybody, and a relay in front of it that can be away.
func realWorld(t testing.TB, b backend) registrartest.World {
	s := b.newService(t)
	var w registrartest.World
	through := b
	through.addr = relayed(t, &w, b.addr)
	r := (&contractService{t: t, backend: through, name: s.name, group: s.group}).newHastened()
	operate := func(enabled bool) {
		if b.editMakes {
			if held, known := r.Held(within(t, patience)); known && !held {
				return // a console does not show what has gone
			}
		}
		b.switchOverHTTP(t, s.name, ours, enabled)
	}
	w.New = func() (lifecycle.Registrar, error) { return r, nil }
	w.Addr = listener
	w.Listed = func() bool { return s.entry(ours) != nil }
	w.Offline = func() { operate(false) }
	w.Online = func() { operate(true) }
	w.Join = func(addr string) func() {
		other := s.newRegistrar(nacos.Instance{Addr: addr})
		s.register(other, listener)
		return func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience) // t.Context ends before cleanups
			defer cancel()
			if err := other.Deregister(ctx); err != nil {
				t.Errorf("Deregister() of %s = %v, want nil", addr, err)
			}
		}
	}
	return w
}

func (s *contractService) newHastened() *nacos.Registrar {
	r := s.newRegistrar(nacos.Instance{})
	r.Hasten()
	return r
}

// imitatedWorld has a registry of its own, which can be broken.
func imitatedWorld(t testing.TB) registrartest.World {
	registry := nacostest.Start(t)
	s := backend{kind: imitation, addr: registry.Addr()}.newService(t)
	w := registrartest.World{
		New:  func() (lifecycle.Registrar, error) { return s.newHastened(), nil },
		Addr: listener,
		Listed: func() bool {
			return slices.ContainsFunc(registry.Instances(s.name), func(i nacostest.Instance) bool { return i.Addr() == ours && i.Listed })
		},
		Offline: func() { registry.SetEnabled(s.name, ours, false) },
		Online:  func() { registry.SetEnabled(s.name, ours, true) },
		Refuse: func() func() {
			registry.FailNext(nacostest.Forbidden, -1, nacostest.Register, nacostest.Deregister)
			return func() { registry.FailNext(nacostest.Forbidden, 0) }
		},
		Lose: func() { registry.LoseRegistration(s.name, ours) },
		Join: func(addr string) func() {
			leave, err := registry.Publish(s.name, addr)
			if err != nil {
				t.Error(err)
			}
			return leave
		},
	}
	addOutages(t, &w, registry)
	return w
}
