// SPDX-License-Identifier: Apache-2.0

//go:build unix

package haproxy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// TestRealOperator takes a server out of service under load, by each of the two ways, and puts it back: it parks, and
// serves again.
func TestRealOperator(t *testing.T) {
	t.Parallel()
	addrs, e := freeAddrs(t, 2), newExecutions()
	p := start(t, servers(addrs, checked)...)
	r := startReplica(t, addrs[0], e, lifecycle.WithRegistrar(newRegistrar(t, "s1", p.admin())))
	startReplica(t, addrs[1], e, lifecycle.WithRegistrar(newRegistrar(t, "s2", p.admin())))
	load := startLoad(t, p.front())
	for _, state := range []string{"drain", "maint"} {
		p.set("s1", state)
		until(t, "it has parked", func() bool { return r.Status().State == lifecycle.Draining })
		p.set("s1", "ready")
		until(t, "it serves", func() bool { return r.Status().State == lifecycle.Serving })
		p.awaitStatus("s1", "UP")
	}
	r.goOffline(t)
	load.wantNothingLost(t, e, "operator")
}

// TestRealMaintenanceOutlivesARestart: the next process leaves it alone, and says that it is held.
func TestRealMaintenanceOutlivesARestart(t *testing.T) {
	t.Parallel()
	addrs, e := freeAddrs(t, 1), newExecutions()
	p := start(t, servers(addrs, checked)...)
	r := startReplica(t, addrs[0], e, lifecycle.WithRegistrar(newRegistrar(t, "s1", p.admin())))
	p.set("s1", "maint")
	until(t, "it has parked", func() bool { return r.Status().State == lifecycle.Draining })
	r.goOffline(t)
	p.wantStatus("s1", "MAINT")
	reg := newRegistrar(t, "s1", p.admin())
	lis := listen(t, addrs[0])
	defer lis.Close()
	if err := reg.Register(t.Context(), lis.Addr()); err != nil {
		t.Errorf("Register() = %v, want nil", err)
	}
	told := make(chan bool, 10)
	go func() { _ = reg.Watch(t.Context(), func(online bool) { told <- online }) }()
	if online := <-told; online {
		t.Error("Watch tells online of a server in maintenance")
	}
	p.wantStatus("s1", "MAINT")
	p.set("s1", "ready")
	if online := <-told; !online {
		t.Error("Watch tells offline of a server that is ready")
	}
}

// TestRealDrainOutlivesARestart: HAProxy keeps it, and Register ends it.
func TestRealDrainOutlivesARestart(t *testing.T) {
	t.Parallel()
	addrs, e := freeAddrs(t, 1), newExecutions()
	p := start(t, servers(addrs, checked)...)
	r := startReplica(t, addrs[0], e, lifecycle.WithRegistrar(newRegistrar(t, "s1", p.admin())))
	p.wantStatus("s1", "UP")
	r.goOffline(t)
	if flags, drained := p.flags("s1"), "8"; flags != drained { // the status is DOWN, once the checks have failed
		t.Errorf("the admin state is %s, want %s", flags, drained)
	}
	startReplica(t, addrs[0], e, lifecycle.WithRegistrar(newRegistrar(t, "s1", p.admin())))
	p.wantStatus("s1", "UP")
}

// TestRealStateFile: with a file that was written right before it, a reload keeps the drain. An old file brings an old
// drain back, which is an operator's as far as we can tell.
func TestRealStateFile(t *testing.T) {
	t.Parallel()
	addrs := freeAddrs(t, 1)
	p := start(t, append(servers(addrs, ""), "load-server-state-from-file local", "server-state-file-name DIR/state")...)
	lis := listen(t, addrs[0])
	defer lis.Close()
	r := newRegistrar(t, "s1", p.admin())
	if err := r.Register(t.Context(), lis.Addr()); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	if err := r.Deregister(t.Context()); err != nil {
		t.Fatalf("Deregister() = %v, want nil", err)
	}
	if err := os.WriteFile(p.dir+"/state", []byte(p.ask("show servers state grpc")), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = r.Close() // nobody drains again
	p.reload()
	p.wantStatus("s1", "DRAIN")

	next := newRegistrar(t, "s1", p.admin())
	if err := next.Register(t.Context(), lis.Addr()); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	p.wantStatus("s1", "no check")
	told := make(chan bool, 10)
	go func() { _ = next.Watch(t.Context(), func(online bool) { told <- online }) }()
	if online := <-told; !online {
		t.Error("Watch tells offline of a server that is ready")
	}
	p.reload()
	p.wantStatus("s1", "DRAIN")
	if online := <-told; online {
		t.Error("Watch tells online of a server that an old file has drained")
	}
}

// TestRealOthers: who is down, or out of service, is not usable.
func TestRealOthers(t *testing.T) {
	t.Parallel()
	addrs := freeAddrs(t, 3)
	p := start(t, servers(addrs, "")...)
	lis := listen(t, addrs[0])
	defer lis.Close()
	reg := newRegistrar(t, "s1", p.admin())
	if err := reg.Register(t.Context(), lis.Addr()); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	usable := func() (addrs []string) {
		for _, other := range reg.Others() {
			if other.Usable {
				addrs = append(addrs, other.Addr)
			}
		}
		return addrs
	}
	if got := usable(); len(got) != 2 {
		t.Errorf("usable are %v, want %v", got, addrs[1:])
	}
	p.set("s2", "maint")
	until(t, "one of the others is usable", func() bool { return len(usable()) == 1 })
	p.ask("set server grpc/s3 weight 0")
	until(t, "none of the others is usable", func() bool { return len(usable()) == 0 })
}

// TestRealServerTemplate: nobody knows in which slot the instance is.
func TestRealServerTemplate(t *testing.T) {
	t.Parallel()
	addrs, e := freeAddrs(t, 1), newExecutions()
	_, port, _ := strings.Cut(addrs[0], ":")
	p := start(t, "server-template slot 3 127.0.0.1:1 proto h2")
	p.ask("set server grpc/slot2 addr 127.0.0.1 port " + port)
	r := startReplica(t, addrs[0], e, lifecycle.WithRegistrar(newRegistrar(t, "", p.admin())))
	if published, want := r.Status().Registrars[0].Published, "grpc/slot2 weight=1 at "+p.admin(); published != want {
		t.Errorf("published as %q, want %q", published, want)
	}
	r.goOffline(t)
	p.wantStatus("slot2", "DRAIN")
	p.wantStatus("slot1", "no check")
}
