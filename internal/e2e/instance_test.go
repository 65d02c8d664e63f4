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
	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

var (
	_ lifecycle.Server    = (*grpc.Server)(nil)
	_ lifecycle.Calls     = (*interceptor.Tracker)(nil)
	_ lifecycle.Health    = (*health.Server)(nil)
	_ lifecycle.Registrar = (*nacos.Registrar)(nil)
)

const service = "greeter"

// An instance is one server process in small.
type instance struct {
	*lifecycle.Manager
	addr    string
	calls   interceptor.Tracker
	slow    chan time.Duration // what the next calls take; empty: nothing
	release chan struct{}      // what stuck handlers wait for
	lock    sync.Mutex         // what handlers of locked calls wait for
	opened  openings           // streams, by client
	result  chan error
	stop    context.CancelFunc
}

type testService struct {
	testpb.UnimplementedTestServiceServer
	*instance
}

// UnaryCall ignores its context, and answers with as much as was asked for.
func (s testService) UnaryCall(_ context.Context, req *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	if req.GetFillUsername() {
		<-s.release
	}
	if req.GetFillOauthScope() {
		s.lock.Lock()
		defer s.lock.Unlock()
	}
	return &testpb.SimpleResponse{Payload: &testpb.Payload{Body: make([]byte, req.GetResponseSize())}}, nil
}

// StreamingOutputCall sends without an end, and heeds nothing but its own sends.
func (s testService) StreamingOutputCall(_ *testpb.StreamingOutputCallRequest, stream testpb.TestService_StreamingOutputCallServer) error {
	for {
		if err := stream.Send(&testpb.StreamingOutputCallResponse{Payload: &testpb.Payload{Body: make([]byte, 16<<10)}}); err != nil {
			return err
		}
	}
}

// StreamingInputCall goes on until it is told.
func (s testService) StreamingInputCall(stream testpb.TestService_StreamingInputCallServer) error {
	s.opened.add(stream.Context())
	select {
	case <-interceptor.Draining(stream.Context()):
		return nil
	case <-stream.Context().Done():
		return context.Cause(stream.Context())
	}
}

// FullDuplexCall sits in Recv.
func (s testService) FullDuplexCall(stream testpb.TestService_FullDuplexCallServer) error {
	s.opened.add(stream.Context())
	for {
		if _, err := stream.Recv(); err != nil {
			return err
		}
	}
}

func (s testService) EmptyCall(ctx context.Context, _ *testpb.Empty) (*testpb.Empty, error) {
	select {
	case d := <-s.slow:
		time.Sleep(d)
	default:
	}
	return &testpb.Empty{}, nil
}

func startInstance(t *testing.T, registry *nacostest.Server, opts ...lifecycle.Option) *instance {
	t.Helper()
	return startServer(t, registry, nil, opts...)
}

func startServer(t *testing.T, registry *nacostest.Server, serverOptions []grpc.ServerOption, opts ...lifecycle.Option) *instance {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	i := &instance{addr: lis.Addr().String(), slow: make(chan time.Duration, 1), release: make(chan struct{}), result: make(chan error, 1)}
	srv := grpc.NewServer(append(i.calls.ServerOptions(), serverOptions...)...)
	testpb.RegisterTestServiceServer(srv, testService{instance: i})
	reflection.Register(srv)
	hs := health.Register(srv)
	opts = append([]lifecycle.Option{
		lifecycle.WithCalls(&i.calls), lifecycle.WithHealth(hs), lifecycle.WithLogger(log),
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
	i.await(t, "ready", func() bool { return i.Status().Ready })
	return i
}

// await blocks until what is true.
func (i *instance) await(t *testing.T, name string, what func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !what() {
		if time.Now().After(deadline) {
			t.Fatalf("not %s after 20 s: %+v", name, i.Status())
		}
		time.Sleep(5 * time.Millisecond)
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

// A load calls all the time, through the resolver, without any retry policy.
type load struct {
	calls, failed atomic.Int64
	last          atomic.Value // error
	stop          context.CancelFunc
	done          chan struct{}
}

func startLoad(t *testing.T, registry *nacostest.Server) *load {
	t.Helper()
	conn, err := grpc.NewClient("nacos:///"+service,
		grpc.WithResolvers(nacosresolver.NewBuilder(nacosresolver.Config{Servers: []string{registry.Addr()}})),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	l := &load{done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	go func() {
		defer close(l.done)
		defer conn.Close()
		client := testpb.NewTestServiceClient(conn)
		for ctx.Err() == nil {
			l.calls.Add(1)
			limited, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			if _, err := client.EmptyCall(limited, &testpb.Empty{}); err != nil {
				l.failed.Add(1)
				l.last.Store(err)
			}
			cancel()
			select {
			case <-ctx.Done():
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { l.end(t) })
	for l.calls.Load() < 20 {
		time.Sleep(time.Millisecond)
	}
	return l
}

func (l *load) end(t *testing.T) {
	t.Helper()
	l.stop()
	<-l.done
	if n := l.failed.Load(); n > 0 {
		t.Errorf("%d of %d calls failed, want none; the last: %v", n, l.calls.Load(), l.last.Load())
	}
}
