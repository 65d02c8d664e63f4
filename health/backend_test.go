// SPDX-License-Identifier: Apache-2.0

package health_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/lameduck-go/lameduck/health"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/test/bufconn"
)

type servingStatus = healthpb.HealthCheckResponse_ServingStatus

const (
	serving    = healthpb.HealthCheckResponse_SERVING
	notServing = healthpb.HealthCheckResponse_NOT_SERVING
	unknown    = healthpb.HealthCheckResponse_SERVICE_UNKNOWN
)

// backend is a server with a health service, in memory.
type backend struct {
	*grpc.Server
	health  *health.Server
	lis     *bufconn.Listener
	watches atomic.Int64 // opened so far
	calls   atomic.Int64 // unary calls so far
}

func serve(t *testing.T) *backend {
	t.Helper()
	b := &backend{lis: bufconn.Listen(1 << 16)}
	b.Server = grpc.NewServer(
		grpc.StreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
			b.watches.Add(1)
			return h(srv, ss)
		}),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
			b.calls.Add(1)
			return h(ctx, req)
		}))
	b.health = health.Register(b)
	return b
}

// start begins to serve, until the test ends.
func (b *backend) start(t *testing.T) *backend {
	served := make(chan error, 1)
	go func() { served <- b.Serve(b.lis) }()
	t.Cleanup(func() {
		b.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
	})
	return b
}

func (b *backend) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///backend", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return b.lis.DialContext(ctx) }))
	if err != nil {
		t.Fatalf("NewClient() = %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
