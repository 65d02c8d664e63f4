// SPDX-License-Identifier: Apache-2.0

//go:build unix

package haproxy_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// Stuck is a service whose calls do not end by themselves, once it is stuck.
type stuck struct {
	*executions
	isStuck atomic.Bool
	release chan struct{}
}

func (s *stuck) UnaryCall(ctx context.Context, req *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	answer, err := s.executions.UnaryCall(ctx, req)
	if s.isStuck.Load() {
		<-s.release // it does not heed its context either
	}
	return answer, err
}

// TestRealForcedStop: what is still in flight when the budget ends is answered before the connection is cut, and so no
// client runs it again.
func TestRealForcedStop(t *testing.T) {
	t.Parallel()
	addrs, e := freeAddrs(t, 2), newExecutions()
	p := start(t, servers(addrs, checked)...)
	service := &stuck{executions: e, release: make(chan struct{})}
	defer close(service.release)
	r := (&replica{calls: interceptor.Tracker{Abandonable: true}}).start(t, addrs[0], service,
		lifecycle.WithRegistrar(newRegistrar(t, "s1", p.admin())), lifecycle.WithBudget(3*time.Second))
	startReplica(t, addrs[1], e, lifecycle.WithRegistrar(newRegistrar(t, "s2", p.admin())))
	load := startLoad(t, p.front())
	service.isStuck.Store(true)
	until(t, "calls hang", func() bool { unary, _ := r.calls.InFlight(); return unary >= 10 })
	r.stop()
	if err := r.finish(t); !errors.Is(err, lifecycle.ErrForcedStop) {
		t.Errorf("Run() = %v, want ErrForcedStop", err)
	}
	load.end()
	report := r.Report()
	t.Logf("%d calls, %d failed, %d run twice; answered %d, cut %d", load.calls.Load(), load.failed.Load(), e.twice(), report.CallsAnswered, report.CallsCut)
	if report.CallsAnswered < 10 || report.CallsCut > 0 {
		t.Errorf("%d calls were answered and %d cut, want all of them answered", report.CallsAnswered, report.CallsCut)
	}
	if e.twice() > 0 || load.failed.Load() != int64(report.CallsAnswered) {
		t.Errorf("%d calls were run twice and %d failed, want 0 and the %d that were answered", e.twice(), load.failed.Load(), report.CallsAnswered)
	}
}

// TestRealLastInstance: it is not drained by hand while nobody else is up, and nothing is changed at the balancer.
func TestRealLastInstance(t *testing.T) {
	t.Parallel()
	addrs, e := freeAddrs(t, 2), newExecutions()
	p := start(t, servers(addrs, checked)...)
	r := startReplica(t, addrs[0], e, lifecycle.WithRegistrar(newRegistrar(t, "s1", p.admin())))
	p.awaitStatus("s2", "DOWN")
	load := startLoad(t, p.front())
	until(t, "nobody else is known", func() bool { return r.Status().Last })
	if err := r.Drain(t.Context()); !errors.Is(err, lifecycle.ErrLastInstance) {
		t.Errorf("Drain() = %v, want ErrLastInstance", err)
	}
	p.wantStatus("s1", "UP")
	load.wantNothingLost(t, e, "last instance")
	other := startReplica(t, addrs[1], e, lifecycle.WithRegistrar(newRegistrar(t, "s2", p.admin())))
	until(t, "somebody else is known", func() bool { return !r.Status().Last })
	if err := r.Drain(t.Context()); err != nil {
		t.Errorf("Drain() = %v, want nil", err)
	}
	until(t, "the other knows that nobody is left", func() bool { return other.Status().Last })
	if err := other.Drain(t.Context()); !errors.Is(err, lifecycle.ErrLastInstance) {
		t.Errorf("Drain() of the other = %v, want ErrLastInstance", err)
	}
	if err := other.Drain(t.Context(), lifecycle.DrainLast()); err != nil {
		t.Errorf("Drain(DrainLast()) = %v, want nil", err)
	}
	p.wantStatus("s2", "DRAIN")
}
