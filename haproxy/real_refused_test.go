// SPDX-License-Identifier: Apache-2.0

//go:build unix

package haproxy_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/haproxy"
	"github.com/lameduck-go/lameduck/lifecycle"
)

type withdrawal interface {
	error
	Refused() bool
	Unconfirmed() bool
}

// TestRealRefusals: what HAProxy says no to, in its own words.
func TestRealRefusals(t *testing.T) {
	t.Parallel()
	addrs := freeAddrs(t, 1)
	p := start(t, servers(addrs, "")...)
	lis := listen(t, addrs[0])
	defer lis.Close()
	for name, test := range map[string]struct {
		backend, server, address string
		want                     string
		permanent                bool
	}{
		"level operator":  {"grpc", "s1", p.operator(), "Permission denied", true},
		"unknown server":  {"grpc", "s9", p.admin(), "no server grpc/s9", false},
		"unknown backend": {"other", "s1", p.admin(), "Can't find backend.", false},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := haproxy.New(haproxy.Config{Backend: test.backend, Server: test.server, Addresses: []string{test.address}, Logger: logger(t)})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			err = r.Register(t.Context(), lis.Addr())
			e, ok := errors.AsType[interface {
				error
				Permanent() bool
			}](err)
			if !errors.Is(err, haproxy.ErrRefused) || !strings.Contains(err.Error(), test.want) || ok != test.permanent || ok && !e.Permanent() {
				t.Errorf("Register() = %v, want ErrRefused with %q, permanent: %v", err, test.want, test.permanent)
			}
			began := time.Now()
			err = r.Deregister(t.Context())
			if e, ok := errors.AsType[withdrawal](err); !ok || !e.Refused() || !e.Unconfirmed() || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Deregister() = %v, want one that is refused and unconfirmed, with %q", err, test.want)
			}
			if took := time.Since(began); took > 1500*time.Millisecond {
				t.Errorf("a refusal took %v", took)
			}
		})
	}
	p.wantStatus("s1", "no check")
}

// TestRealSocketGone: the balancer may go on without it, so this is no confirmation, and the server serves on.
func TestRealSocketGone(t *testing.T) {
	t.Parallel()
	addrs, e := freeAddrs(t, 2), newExecutions()
	p := start(t, servers(addrs, checked)...)
	reg := newRegistrar(t, "s1", p.admin())
	r := startReplica(t, addrs[0], e, lifecycle.WithRegistrar(reg), lifecycle.WithBudget(12*time.Second))
	startReplica(t, addrs[1], e, lifecycle.WithRegistrar(newRegistrar(t, "s2", p.admin())))
	load := startLoad(t, p.front())
	p.socket = "elsewhere"
	if err := os.Rename(p.dir+"/admin", p.dir+"/"+p.socket); err != nil {
		t.Fatal(err)
	}
	r.stop()
	if err := r.finish(t); !errors.Is(err, haproxy.ErrUnconfirmed) {
		t.Errorf("Run() = %v, want %v", err, haproxy.ErrUnconfirmed)
	}
	if report := r.Report(); !report.Unconfirmed {
		t.Errorf("Report().Unconfirmed = false, want true")
	}
	if status := p.status("s1"); strings.HasPrefix(status, "DRAIN") {
		t.Errorf("the status is %q: the socket was not gone", status)
	}
	load.wantNothingLost(t, e, "socket gone")
}

// TestRealOneOfTwoStandsStill: the other one is told at once; when the first goes on, it is told as well.
func TestRealOneOfTwoStandsStill(t *testing.T) {
	t.Parallel()
	addrs := freeAddrs(t, 1)
	live, still := start(t, servers(addrs, "")...), start(t, servers(addrs, "")...)
	lis := listen(t, addrs[0])
	defer lis.Close()
	reg := newRegistrar(t, "s1", live.admin(), still.admin())
	if err := reg.Register(t.Context(), lis.Addr()); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	goOn := still.freeze()
	defer goOn()
	ended := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	began := time.Now()
	go func() { ended <- reg.Deregister(ctx) }()
	live.awaitStatus("s1", "DRAIN")
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("the balancer that answers was told after %v", took)
	}
	err := <-ended
	if e, ok := errors.AsType[withdrawal](err); !ok || e.Refused() || !strings.Contains(err.Error(), still.admin()) || strings.Contains(err.Error(), live.admin()) {
		t.Errorf("Deregister() = %v, want one that names %s alone", err, still.admin())
	}
	goOn()
	still.awaitStatus("s1", "DRAIN")
	until(t, "nothing is published", func() bool { return reg.Published() == "" })
	if err := reg.Register(t.Context(), lis.Addr()); err != nil {
		t.Errorf("Register() = %v, want nil", err)
	}
	live.wantStatus("s1", "no check")
	still.wantStatus("s1", "no check")
}
