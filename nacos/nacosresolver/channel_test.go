// SPDX-License-Identifier: Apache-2.0

package nacosresolver_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// backend starts a gRPC server and returns its address.
func backend(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	healthpb.RegisterHealthServer(s, health.NewServer())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Stop()
		<-done
	})
	return l.Addr().String()
}

func dial(t *testing.T, registry *nacostest.Server, to string) healthpb.HealthClient {
	t.Helper()
	conn, err := grpc.NewClient(to,
		grpc.WithResolvers(nacosresolver.NewBuilder(nacosresolver.Config{Servers: []string{registry.Addr()}})),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatalf("NewClient(%q) = %v, want nil", to, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return healthpb.NewHealthClient(conn)
}

func TestRoundRobinOverTheList(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	want := map[string]bool{backend(t): true, backend(t): true}
	for addr := range want {
		publish(t, registry, "orders", addr)
	}
	client := dial(t, registry, "nacos:///orders")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got := map[string]bool{}
	for len(got) < len(want) {
		var p peer.Peer
		if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true), grpc.Peer(&p)); err != nil {
			t.Fatalf("Check() = %v, want nil", err)
		}
		got[p.Addr.String()] = true
		if !want[p.Addr.String()] {
			t.Fatalf("called %v, want one of %v", p.Addr, want)
		}
	}
}

func TestCallsTellWhatIsWrong(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	for to, want := range map[string]string{
		"nacos:///orders":       "no usable instance",
		"nacos:///orders?grp=a": "parameter grp: unknown",
	} {
		conn := dial(t, registry, to)
		_, err := conn.Check(t.Context(), &healthpb.HealthCheckRequest{})
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), want) {
			t.Errorf("Check() on %s = %v, want UNAVAILABLE about %q", to, err, want)
		}
	}
}

// A registry that is away is named by its address, with the reason.
func TestCallsNameTheRegistryThatIsAway(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	registry.Kill()
	conn := dial(t, registry, "nacos:///orders")
	_, err := conn.Check(t.Context(), &healthpb.HealthCheckRequest{})
	for _, want := range []string{"cannot reach " + registry.Addr(), "connection refused"} {
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), want) {
			t.Errorf("Check() = %v, want UNAVAILABLE about %q", err, want)
		}
	}
}
