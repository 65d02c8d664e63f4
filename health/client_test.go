// SPDX-License-Identifier: Apache-2.0

package health_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // client-side health checking
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

const checking = `{"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": "orders"}}`

// dialBoth makes a client that spreads calls over the backends that are healthy.
func dialBoth(t *testing.T, backends map[string]*backend) *grpc.ClientConn {
	t.Helper()
	var state resolver.State
	for addr := range backends {
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: addr}}})
	}
	r := manual.NewBuilderWithScheme("test")
	r.InitialState(state)
	conn, err := grpc.NewClient("test:///", grpc.WithResolvers(r), grpc.WithDefaultServiceConfig(checking),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			return backends[addr].lis.DialContext(ctx)
		}))
	if err != nil {
		t.Fatalf("NewClient() = %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.Connect()
	time.Sleep(time.Second)
	return conn
}

// spread makes ten calls and returns how many went to each backend.
func spread(t *testing.T, conn *grpc.ClientConn, a, b *backend) (toA, toB int64) {
	t.Helper()
	synctest.Wait()
	beforeA, beforeB := a.calls.Load(), b.calls.Load()
	for range 10 {
		if _, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
			t.Errorf("Check() = %v, want nil", err)
		}
	}
	return a.calls.Load() - beforeA, b.calls.Load() - beforeB
}

func TestClientsAvoidADrainingBackend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := serve(t), serve(t)
		for _, x := range []*backend{a, b} {
			x.health.SetServingStatus("orders", healthpb.HealthCheckResponse_SERVING)
			x.health.Resume()
			x.start(t)
		}
		conn := dialBoth(t, map[string]*backend{"a": a, "b": b})
		if toA, toB := spread(t, conn, a, b); toA != 5 || toB != 5 {
			t.Errorf("both serving: %d and %d calls, want 5 and 5", toA, toB)
		}
		a.health.Shutdown()
		if toA, toB := spread(t, conn, a, b); toA != 0 || toB != 10 {
			t.Errorf("one draining: %d and %d calls, want 0 and 10", toA, toB)
		}
		// A Watch that ended here would be opened again thousands of times a second.
		time.Sleep(time.Minute)
		if n := a.watches.Load(); n != 1 {
			t.Errorf("Watches opened in a minute of draining = %d, want 1", n)
		}
		a.health.Resume()
		if toA, toB := spread(t, conn, a, b); toA != 5 || toB != 5 {
			t.Errorf("both serving again: %d and %d calls, want 5 and 5", toA, toB)
		}
	})
}

// Even when EndWatches comes too early, clients back off instead of asking in a loop.
func TestClientsBackOffAfterEndWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := serve(t), serve(t)
		for _, x := range []*backend{a, b} {
			x.health.SetServingStatus("orders", healthpb.HealthCheckResponse_SERVING)
			x.health.Resume()
			x.start(t)
		}
		dialBoth(t, map[string]*backend{"a": a, "b": b})
		a.health.Shutdown()
		a.health.EndWatches()
		time.Sleep(10 * time.Second)
		if n := a.watches.Load(); n < 2 || n > 10 {
			t.Errorf("Watches opened in 10 s after EndWatches() = %d, want a few", n)
		}
	})
}
