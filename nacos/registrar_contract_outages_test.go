// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The SDK reconnects in these tests, which is a data race inside nacos-sdk-go v2.3.5: RpcClient.currentConnection
// (nacos-sdk-go#905, mended by nacos-sdk-go#887, which is in no release).

package nacos_test

import (
	"sync/atomic"
	"testing"

	"github.com/lameduck-go/lameduck/lifecycle/registrartest"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// relayed adds the same to a real server, which is reached at the address that it returns.
func relayed(t testing.TB, w *registrartest.World, server string) (addr string) {
	r := startRelay(t, server)
	w.Unreachable = func() func() {
		r.leave()
		return r.comeBack
	}
	w.Freeze = func() func() {
		r.freeze()
		return r.thaw
	}
	w.Reconnect = r.drop
	return r.addr
}

// addOutages adds the levers that make the SDK reconnect. While the registry is away, consumers keep what they have.
func addOutages(t testing.TB, w *registrartest.World, registry *nacostest.Server) {
	var kept atomic.Pointer[bool]
	listed := w.Listed
	w.Listed = func() bool {
		if l := kept.Load(); l != nil {
			return *l
		}
		return listed()
	}
	away := func(begin func(), end func()) func() func() {
		return func() func() {
			l := listed()
			kept.Store(&l)
			begin()
			return func() {
				end()
				kept.Store(nil)
			}
		}
	}
	revive := func() {
		if err := registry.Revive(); err != nil {
			t.Error(err)
		}
	}
	w.Unreachable = away(registry.Kill, revive)
	w.Freeze = away(registry.Freeze, registry.Thaw)
	w.Reconnect = func() { registry.DropConnections(nacostest.Closed) }
}
