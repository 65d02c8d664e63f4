// SPDX-License-Identifier: Apache-2.0

//go:build unix

package haproxy_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/lifecycle"
)

const checked = "check inter 200ms fall 2 rise 1"

// TestRealRollingRestart restarts three servers under load, one after the other. Nothing is lost and nothing is run twice.
// In the control, where they are stopped at once, both can be seen: HAProxy answers a call whose connection has ended
// with REFUSED_STREAM, and the client sends it again.
func TestRealRollingRestart(t *testing.T) {
	t.Parallel()
	t.Run("lameduck", func(t *testing.T) {
		t.Parallel()
		addrs, e := freeAddrs(t, 3), newExecutions()
		p := start(t, servers(addrs, checked)...)
		replicas := make([]*replica, len(addrs))
		run := func(i int) {
			reg := newRegistrar(t, fmt.Sprint("s", i+1), p.admin())
			replicas[i] = startReplica(t, addrs[i], e, lifecycle.WithRegistrar(reg))
		}
		for i := range addrs {
			run(i)
		}
		load := startLoad(t, p.front())
		for i := range addrs {
			replicas[i].goOffline(t)
			run(i)
		}
		until(t, "each has calls again", func() bool {
			return replicas[0].calls.Admitted() > 0 && replicas[1].calls.Admitted() > 0 && replicas[2].calls.Admitted() > 0
		})
		load.wantNothingLost(t, e, "rolling restart")
	})
	t.Run("Stop at once", func(t *testing.T) {
		t.Parallel()
		addrs, e := freeAddrs(t, 3), newExecutions()
		p := start(t, servers(addrs, checked)...)
		running := make([]*grpc.Server, len(addrs))
		run := func(i int) {
			running[i] = grpc.NewServer()
			testpb.RegisterTestServiceServer(running[i], e)
			go func() { _ = running[i].Serve(listen(t, addrs[i])) }()
			p.awaitStatus(fmt.Sprint("s", i+1), "UP")
		}
		for i := range addrs {
			run(i)
			t.Cleanup(func() { running[i].Stop() })
		}
		load := startLoad(t, p.front())
		stops := 0
		for n := range 12 {
			stops++
			running[n%3].Stop()
			run(n % 3)
			if e.twice() > 0 && load.cut.Load() > 0 {
				break
			}
			time.Sleep(300 * time.Millisecond)
		}
		load.end()
		t.Logf("%d Stops: %d calls, %d failed, %d run twice; %d streams, %d cut", stops, load.calls.Load(), load.failed.Load(), e.twice(), load.streams.Load(), load.cut.Load())
		if e.twice() == 0 || load.cut.Load() == 0 {
			t.Errorf("%d calls were run twice and %d streams cut, want both: the control shows nothing", e.twice(), load.cut.Load())
		}
	})
}

// TestRealOneReplica replaces the only server, whose successor is started first.
func TestRealOneReplica(t *testing.T) {
	t.Parallel()
	addrs, e := freeAddrs(t, 2), newExecutions()
	p := start(t, servers(addrs, checked)...)
	old := startReplica(t, addrs[0], e, lifecycle.WithRegistrar(newRegistrar(t, "s1", p.admin())))
	load := startLoad(t, p.front())
	next := startReplica(t, addrs[1], e, lifecycle.WithRegistrar(newRegistrar(t, "s2", p.admin())))
	old.goOffline(t)
	if next.calls.Admitted() == 0 {
		t.Error("the successor has no calls")
	}
	load.wantNothingLost(t, e, "one replica")
}

// TestRealReloadDuringADrain: the new process does not know of the drain.
func TestRealReloadDuringADrain(t *testing.T) {
	t.Parallel()
	addrs, e := freeAddrs(t, 2), newExecutions()
	p := start(t, servers(addrs, checked)...)
	reg := newRegistrar(t, "s1", p.admin())
	going := startReplica(t, addrs[0], e, lifecycle.WithRegistrar(reg))
	startReplica(t, addrs[1], e, lifecycle.WithRegistrar(newRegistrar(t, "s2", p.admin())))
	load := startLoad(t, p.front())
	if err := going.Drain(t.Context()); err != nil {
		t.Errorf("Drain() = %v, want nil", err)
	}
	p.wantStatus("s1", "DRAIN")
	p.reload()
	p.awaitStatus("s1", "DRAIN")
	if err := reg.Gone(t.Context()); err != nil {
		t.Errorf("Gone() = %v, want nil", err)
	}
	going.goOffline(t)
	load.wantNothingLost(t, e, "reload during a drain")
}
