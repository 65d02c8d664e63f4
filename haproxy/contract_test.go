// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"log/slog"
	"testing"

	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/lifecycle/registrartest"
)

// TestRegistrarContractInFakeTime is the contract of lifecycle.Registrar, with one balancer and with two. Operators have
// two ways to take a server out.
func TestRegistrarContractInFakeTime(t *testing.T) {
	for _, c := range []struct {
		name      string
		balancers int
		state     string
	}{{"one balancer", 1, "maint"}, {"two balancers", 2, "maint"}, {"operators drain", 1, stateDrain}, {"operators drain at two", 2, stateDrain}} {
		t.Run(c.name, func(t *testing.T) {
			registrartest.Test(t, registrartest.Make{Bubble: true, World: func(testing.TB) registrartest.World {
				return fakeWorld(c.balancers, c.state)
			}})
		})
	}
}

func fakeWorld(balancers int, state string) registrartest.World {
	fakes := make([]*fake, balancers)
	for i := range fakes {
		fakes[i] = newFake()
		fakes[i].servers = fakes[i].servers[:1]
	}
	all := func(do func(*fake)) {
		for _, f := range fakes {
			do(f)
		}
	}
	lever := func(do, undo func(*fake)) func() func() {
		return func() func() {
			all(do)
			return func() { all(undo) }
		}
	}
	serve := func(f *fake) { f.fail("", "") }
	return registrartest.World{
		New: func() (lifecycle.Registrar, error) {
			cfg := Config{Backend: "grpc", Server: "s1", Logger: slog.New(slog.DiscardHandler)}
			for i := range fakes {
				cfg.Addresses = append(cfg.Addresses, "unix:"+string(rune('1'+i)))
			}
			r, err := New(cfg)
			if err != nil {
				return nil, err
			}
			for i, b := range r.balancers {
				b.dial = fakes[i].dial
			}
			return r, nil
		},
		Addr: s1Addr,
		Listed: func() (listed bool) {
			all(func(f *fake) { listed = listed || f.s1().up() })
			return listed
		},
		Offline:     func() { all(func(f *fake) { f.operate(state) }) },
		Online:      func() { all(func(f *fake) { f.operate(stateReady) }) },
		Unreachable: lever(func(f *fake) { f.fail(refusing, "") }, serve),
		Freeze:      lever(func(f *fake) { f.fail(silent, "") }, serve),
		Reconnect:   func() {}, // each command has a connection of its own
		Refuse:      lever(func(f *fake) { f.say("Permission denied") }, func(f *fake) { f.say("") }),
		Return:      func() { all(func(f *fake) { f.operate(stateReady) }) },
		Join: func(addr string) func() {
			all(func(f *fake) { f.join(addr) })
			return func() { all(func(f *fake) { f.leave() }) }
		},
	}
}
