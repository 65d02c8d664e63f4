// SPDX-License-Identifier: Apache-2.0

//go:build unix

package haproxy_test

import (
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/lameduck-go/lameduck/haproxy"
	"github.com/lameduck-go/lameduck/internal/testrun"
	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/lifecycle/registrartest"
)

// TestRealRegistrarContract is the contract of lifecycle.Registrar, with a HAProxy for each subtest.
func TestRealRegistrarContract(t *testing.T) {
	t.Parallel()
	testrun.HAProxy(t)
	registrartest.Test(t, registrartest.Make{World: realWorld})
}

func realWorld(t testing.TB) registrartest.World {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lis.Close() })
	p := start(t, "server s1 "+lis.Addr().String()+" proto h2")
	rename := func(from, to string) {
		if err := os.Rename(p.dir+"/"+from, p.dir+"/"+to); err != nil {
			t.Error(err)
		}
	}
	return registrartest.World{
		New: func() (lifecycle.Registrar, error) {
			return haproxy.New(haproxy.Config{
				Backend: "grpc", Server: "s1", Addresses: []string{p.admin()}, Logger: slog.New(slog.DiscardHandler),
			})
		},
		Addr:    lis.Addr(),
		Listed:  func() bool { return p.status("s1") == "no check" },
		Offline: func() { p.set("s1", "maint") },
		Online:  func() { p.set("s1", "ready") },
		Unreachable: func() func() {
			rename("admin", "away")
			p.socket = "away"
			return func() {
				rename("away", "admin")
				p.socket = "admin"
			}
		},
		Freeze:    p.freeze,
		Reconnect: func() {}, // each command has a connection of its own
		Refuse: func() func() { // the socket is one of level operator
			rename("admin", "away")
			rename("operator", "admin")
			p.socket = "away"
			return func() {
				rename("admin", "operator")
				rename("away", "admin")
				p.socket = "admin"
			}
		},
		Return: p.reload,
		Join: func(addr string) func() {
			if words := p.ask("add server grpc/s2 " + addr + " proto h2"); !strings.Contains(words, "registered") {
				t.Errorf("add server: %s", words)
			}
			p.set("s2", "ready")
			return func() {
				p.set("s2", "maint")
				p.ask("del server grpc/s2")
			}
		},
	}
}
