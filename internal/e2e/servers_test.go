// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// TestTrackerOfTwoServers: the calls of both count as if they were of one, whatever listener they come by, and all are
// answered before both are stopped.
func TestTrackerOfTwoServers(t *testing.T) {
	t.Parallel()
	i := &instance{slow: make(chan time.Duration, 4), result: make(chan error, 1)}
	listeners := []net.Listener{listen(t), listen(t), listen(t), listen(t)}
	var servers [2]*grpc.Server
	for n := range servers {
		servers[n] = grpc.NewServer(i.calls.ServerOptions()...)
		testpb.RegisterTestServiceServer(servers[n], testService{instance: i})
	}
	i.Manager = lifecycle.New(servers[0], append(quick(), lifecycle.WithCalls(&i.calls), lifecycle.WithServer(servers[1], listeners[2:]...))...)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { i.result <- i.Run(ctx, listeners[:2]...) }()
	var calling sync.WaitGroup
	for _, l := range listeners {
		i.slow <- time.Second
		conn, err := grpc.NewClient("passthrough:///"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		calling.Go(func() {
			if _, err := testpb.NewTestServiceClient(conn).EmptyCall(t.Context(), &testpb.Empty{}); err != nil {
				t.Errorf("EmptyCall() = %v, want nil", err)
			}
		})
	}
	i.await(t, "calling all", func() bool { return i.Status().Calls.Unary == len(listeners) })
	cancel()
	calling.Wait()
	if err := i.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	for _, l := range listeners {
		if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
			conn.Close()
			t.Errorf("%v is still served, want it closed", l.Addr())
		}
	}
}

func TestRunWithAClosedListener(t *testing.T) {
	t.Parallel()
	lis := listen(t)
	lis.Close()
	if err := lifecycle.New(grpc.NewServer(), quick()...).Run(t.Context(), lis); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run() = %v, want the listener's error", err)
	}
}

// TestWithoutRun: a program that serves by itself keeps a silent connection from holding the stop up by
// grpc.ConnectionTimeout.
func TestWithoutRun(t *testing.T) {
	t.Parallel()
	lis := listen(t)
	i := &instance{addr: lis.Addr().String(), slow: make(chan time.Duration, 1)}
	srv := grpc.NewServer(append(i.calls.ServerOptions(), grpc.ConnectionTimeout(2*time.Second))...)
	testpb.RegisterTestServiceServer(srv, testService{instance: i})
	i.Manager = lifecycle.New(srv, append(quick(), lifecycle.WithCalls(&i.calls))...)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(lis) }()
	if err := i.Start(t.Context(), lis.Addr()); err != nil {
		t.Fatal(err)
	}
	raw("")(t, i)
	i.slow <- time.Second
	answer := make(chan error, 1)
	client := testpb.NewTestServiceClient(i.dial(t))
	go func() {
		_, err := client.EmptyCall(t.Context(), &testpb.Empty{})
		answer <- err
	}()
	i.await(t, "calling", func() bool { return i.Status().Calls.Unary == 1 })
	if err := i.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown() = %v, want nil", err)
	}
	if err := errors.Join(<-answer, <-served); err != nil {
		t.Errorf("the call and Serve returned %v, want nil", err)
	}
}

// TestForceDuringAHandshake: a connection that sends nothing is given up at once.
func TestForceDuringAHandshake(t *testing.T) {
	t.Parallel()
	i := startServer(t, nil, nil, quick()...)
	raw("")(t, i)
	i.Force()
	if err := i.finish(t); !errors.Is(err, lifecycle.ErrForcedStop) {
		t.Errorf("Run() = %v, want ErrForcedStop", err)
	}
	if got := i.Report().Abandoned; len(got) > 0 {
		t.Errorf("Report.Abandoned = %q, want nothing", got)
	}
}

// A relay hands calls on to the server behind it.
type relay struct {
	testpb.UnimplementedTestServiceServer
	behind testpb.TestServiceClient
	failed atomic.Int64
}

func (r *relay) EmptyCall(ctx context.Context, in *testpb.Empty) (*testpb.Empty, error) {
	out, err := r.behind.EmptyCall(ctx, in)
	if err != nil {
		r.failed.Add(1)
	}
	return out, err
}

// TestSilentConnectionToAFurtherServer: the handshakes of a server get their second from when that server begins to
// stop, and the one behind it stops after that. Until then no GOAWAY is sent, and its clients go on calling.
func TestSilentConnectionToAFurtherServer(t *testing.T) {
	t.Parallel()
	front := listen(t)
	behind := listen(t)
	i := &instance{addr: front.Addr().String(), slow: make(chan time.Duration), result: make(chan error, 1)}
	srv := grpc.NewServer(i.calls.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, testService{instance: i})
	dial := func(l net.Listener) testpb.TestServiceClient {
		conn, err := grpc.NewClient("passthrough:///"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return testpb.NewTestServiceClient(conn)
	}
	gateway := grpc.NewServer(i.calls.ServerOptions()...)
	relay := &relay{behind: dial(behind)}
	testpb.RegisterTestServiceServer(gateway, relay)
	i.Manager = lifecycle.New(srv, append(quick(), lifecycle.WithCalls(&i.calls), lifecycle.WithServer(gateway, front))...)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { i.result <- i.Run(ctx, behind) }()

	raw("")(t, i)
	client := dial(front)
	if _, err := client.EmptyCall(t.Context(), &testpb.Empty{}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cancel()
	calls := 0
	for ; i.Status().State < lifecycle.Stopped; calls++ {
		_, _ = client.EmptyCall(t.Context(), &testpb.Empty{}) // until it is refused, for there is no other server
	}
	if err := i.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	if failed := relay.failed.Load(); failed > 0 || calls < 100 {
		t.Errorf("%d of %d calls found the server behind gone, want none of many", failed, calls)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("Run took %v, want the second that a handshake gets", took)
	}
}
