// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
)

// backend is a TestService made of functions. A nil one answers at once.
type backend struct {
	testpb.UnimplementedTestServiceServer
	unary  func(context.Context) error
	duplex func(duplexStream) error
}

type duplexStream = grpc.BidiStreamingServer[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse]

func (b *backend) EmptyCall(ctx context.Context, _ *testpb.Empty) (*testpb.Empty, error) {
	if b.unary == nil {
		return &testpb.Empty{}, nil
	}
	return &testpb.Empty{}, b.unary(ctx)
}

func (b *backend) FullDuplexCall(s duplexStream) error {
	if b.duplex == nil {
		return nil
	}
	return b.duplex(s)
}

// serve serves a backend on an in-memory listener until the test ends.
func serve(t *testing.T, tracker *Tracker, b *backend, opts ...grpc.ServerOption) (*grpc.Server, *bufconn.Listener) {
	t.Helper()
	srv := grpc.NewServer(append(tracker.ServerOptions(), opts...)...)
	testpb.RegisterTestServiceServer(srv, b)
	lis := bufconn.Listen(1 << 16)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(lis) }()
	t.Cleanup(func() {
		srv.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
	})
	return srv, lis
}

// dial makes a client whose resolver knows the listeners, in this order.
func dial(t *testing.T, serviceConfig string, listeners ...*bufconn.Listener) testpb.TestServiceClient {
	t.Helper()
	byAddr := map[string]*bufconn.Listener{}
	var state resolver.State
	for i, lis := range listeners {
		addr := string(rune('a' + i))
		byAddr[addr] = lis
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: addr}}})
	}
	r := manual.NewBuilderWithScheme("test")
	r.InitialState(state)
	conn, err := grpc.NewClient("test:///", grpc.WithResolvers(r), grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			return byAddr[addr].DialContext(ctx)
		}))
	if err != nil {
		t.Fatalf("NewClient() = %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return testpb.NewTestServiceClient(conn)
}

// retrying repeats what is UNAVAILABLE, after a second unless the server says otherwise.
const retrying = `{"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": [{"name": [{}], "retryPolicy": {
	"maxAttempts": 3, "initialBackoff": "1s", "maxBackoff": "1s", "backoffMultiplier": 1,
	"retryableStatusCodes": ["UNAVAILABLE"]}}]}`

const plain = `{}`

func wantCode(t *testing.T, what string, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("%s = %v (%v), want %v", what, got, err, want)
	}
}

func wantInFlight(t *testing.T, tracker *Tracker, unary, streams int) {
	t.Helper()
	if u, s := tracker.InFlight(); u != unary || s != streams {
		t.Errorf("InFlight() = %d, %d, want %d, %d", u, s, unary, streams)
	}
}

func wantCounts(t *testing.T, tracker *Tracker, admitted, late, refused uint64) {
	t.Helper()
	if a, l, r := tracker.Admitted(), tracker.Late(), tracker.Refused(); a != admitted || l != late || r != refused {
		t.Errorf("Admitted(), Late(), Refused() = %d, %d, %d, want %d, %d, %d", a, l, r, admitted, late, refused)
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// TestServerOptionsLeaveRoom: the user may have interceptors of their own, the plain ones too, of which grpc-go allows
// one.
func TestServerOptionsLeaveRoom(t *testing.T) {
	var tracker Tracker
	var before uint64
	_, lis := serve(t, &tracker, &backend{},
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			before = tracker.Admitted()
			return handler(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			return handler(srv, ss)
		}))
	client := dial(t, plain, lis)
	_, err := client.EmptyCall(t.Context(), &testpb.Empty{})
	wantCode(t, "EmptyCall()", err, codes.OK)
	if before != 0 || tracker.Admitted() != 1 {
		t.Errorf("Admitted() = %d in the plain interceptor, %d after the call, want 0 and 1: it runs before ours", before, tracker.Admitted())
	}
}
