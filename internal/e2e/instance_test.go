// SPDX-License-Identifier: Apache-2.0

// Package e2e tests all packages together: a real gRPC server with the interceptors, the health service and the
// Manager, registered by the real SDK in an in-process naming server, with clients that call it all the time.
package e2e

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/reflection"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

var (
	_ lifecycle.Server    = (*grpc.Server)(nil)
	_ lifecycle.Calls     = (*interceptor.Tracker)(nil)
	_ lifecycle.Health    = (*health.Server)(nil)
	_ lifecycle.Registrar = (*nacos.Registrar)(nil)

	_ interface{ Others() []lifecycle.Other } = (*nacos.Registrar)(nil)
)

const service = "greeter"

// An instance is one server process in small.
type instance struct {
	*lifecycle.Manager
	addr    string
	calls   interceptor.Tracker
	health  *health.Server
	slow    chan time.Duration // what the next calls take; empty: nothing
	release chan struct{}      // what stuck handlers wait for
	lock    sync.Mutex         // what handlers of locked calls wait for
	opened  openings           // streams, by client
	begun   atomic.Int64       // RPCs that the server has seen, before any interceptor
	result  chan error
	stop    context.CancelFunc
}

func startInstance(t *testing.T, registry *nacostest.Server, opts ...lifecycle.Option) *instance {
	t.Helper()
	return startServer(t, registry, nil, opts...)
}

func startServer(t *testing.T, registry *nacostest.Server, serverOptions []grpc.ServerOption, opts ...lifecycle.Option) *instance {
	t.Helper()
	i := startServing(t, registry, serverOptions, opts...)
	i.await(t, "ready", func() bool { return i.Status().Ready })
	return i
}

// startServing returns when the instance serves, listed or not.
func startServing(t *testing.T, registry *nacostest.Server, serverOptions []grpc.ServerOption, opts ...lifecycle.Option) *instance {
	t.Helper()
	lis := listen(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	i := &instance{addr: lis.Addr().String(), slow: make(chan time.Duration, 1), release: make(chan struct{}), result: make(chan error, 1)}
	srv := grpc.NewServer(append(append(i.calls.ServerOptions(), grpc.StatsHandler(beginnings{i})), serverOptions...)...)
	testpb.RegisterTestServiceServer(srv, testService{instance: i})
	reflection.Register(srv)
	i.health = health.Register(srv)
	opts = append([]lifecycle.Option{
		lifecycle.WithCalls(&i.calls), lifecycle.WithHealth(i.health), lifecycle.WithLogger(log),
		lifecycle.WithSettle(500 * time.Millisecond),
	}, opts...)
	if registry != nil {
		// What runs in the SDK when a registry hangs outlives the test, so it does not log to it.
		reg, err := nacos.New(nacos.Config{Servers: []string{registry.Addr()}, Logger: slog.New(slog.DiscardHandler)}, nacos.Instance{Service: service})
		if err != nil {
			t.Fatal(err)
		}
		opts = append(opts, lifecycle.WithRegistrar(reg))
	}
	i.Manager = lifecycle.New(srv, opts...)
	ctx, cancel := context.WithCancel(context.Background())
	i.stop = cancel
	go func() { i.result <- i.Run(ctx, lis) }()
	t.Cleanup(func() {
		close(i.release)
		cancel()
		i.Force()
		select {
		case <-i.result:
		case <-time.After(10 * time.Second):
			t.Errorf("Run has not returned")
		}
	})
	i.await(t, "serving", func() bool { return i.Status().State == lifecycle.Serving })
	return i
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// await blocks until what is true.
func (i *instance) await(t *testing.T, name string, what func() bool) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("%+v", i.Status())
		}
	}()
	await(t, name, what)
}

func await(t *testing.T, name string, what func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !what(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not %s after 20 s", name)
		}
	}
}

// finish waits for Run; the clean-up takes the result for granted afterwards.
func (i *instance) finish(t *testing.T) error {
	t.Helper()
	select {
	case err := <-i.result:
		i.result <- err
		return err
	case <-time.After(40 * time.Second):
		t.Fatal("Run has not returned after 40 s")
		return nil
	}
}

// dial connects to this instance and to no other.
func (i *instance) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+i.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func (i *instance) checkHealth(t *testing.T, service string) healthpb.HealthCheckResponse_ServingStatus {
	t.Helper()
	answer, err := healthpb.NewHealthClient(i.dial(t)).Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetStatus()
}
