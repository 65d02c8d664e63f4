// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-kratos/kratos/v2"
	kgrpc "github.com/go-kratos/kratos/v2/transport/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/internal/directory"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// startKratos is a Kratos application that leaves as a lame duck. Kratos owns Serve, the signals and GracefulStop, and
// has no pause between deregistration and GOAWAY; so its own registrar is left out, and ours drains in BeforeStop:
// withdrawn, settled, quiet, and then Kratos calls GracefulStop. That waits for streams and health Watches, which
// nobody tells; an application that has them calls Shutdown in BeforeStop, and Kratos finds the server stopped.
func startKratos(t *testing.T, d *directory.Directory, beforeStop func(*lifecycle.Manager) func(context.Context) error) (stop func() error) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var tracker interceptor.Tracker
	srv := kgrpc.NewServer(
		kgrpc.Listener(lis), kgrpc.Endpoint(&url.URL{Scheme: "grpc", Host: lis.Addr().String()}),
		kgrpc.CustomHealth(), kgrpc.Options(append(tracker.ServerOptions(), grpc.ConnectionTimeout(5*time.Second))...))
	testpb.RegisterTestServiceServer(srv, server{})
	m := lifecycle.New(srv.Server, lifecycle.WithCalls(&tracker), lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithRegistrar(d.Entry("")), lifecycle.WithStreamGrace(200*time.Millisecond))
	started := make(chan struct{})
	app := kratos.New(
		kratos.Server(srv),
		kratos.AfterStart(func(ctx context.Context) error {
			defer close(started)
			return m.Start(ctx, lis.Addr())
		}),
		kratos.BeforeStop(beforeStop(m)),
		kratos.AfterStop(func(ctx context.Context) error { // hooks, the registrar, the report
			return m.Shutdown(context.WithoutCancel(ctx)) // Kratos has cancelled it by now
		}),
		kratos.StopTimeout(5*time.Second))
	result := make(chan error, 1)
	go func() { result <- app.Run() }()
	<-started
	return sync.OnceValue(func() error {
		if err := app.Stop(); err != nil {
			return err
		}
		return <-result
	})
}

func drain(m *lifecycle.Manager) func(context.Context) error { // it goes, whoever else is there
	return func(ctx context.Context) error { return m.Drain(ctx, lifecycle.DrainLast()) }
}

func shutdown(m *lifecycle.Manager) func(context.Context) error { return m.Shutdown }

// TestKratosWithAStream has a handler that sits in Recv and does not listen to anybody.
func TestKratosWithAStream(t *testing.T) {
	var d directory.Directory
	stop := startKratos(t, &d, shutdown)
	conn, err := grpc.NewClient("passthrough:///"+d.Pick(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stream, err := testpb.NewTestServiceClient(conn).FullDuplexCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Header(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := stream.Recv()
		ended <- err
	}()
	if err := stop(); err != nil {
		t.Errorf("app.Run() = %v, want nil", err)
	}
	if err := <-ended; status.Code(err) != codes.Unavailable || len(status.Convert(err).Details()) == 0 {
		t.Errorf("the stream ended with %v, want UNAVAILABLE with ErrorInfo", err)
	}
}

// TestKratosRollingRestart dials anew for each call, as the clients that lose most do.
func TestKratosRollingRestart(t *testing.T) {
	var d directory.Directory
	stops := []func() error{startKratos(t, &d, drain), startKratos(t, &d, drain)}
	ctx, cancel := context.WithCancel(context.Background())
	var calls, failed int
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			calls++
			if err := callOnce(d.Pick()); err != nil {
				failed++
				t.Logf("call %d: %v", calls, err)
			}
		}
	}()
	for _, stop := range stops {
		next := startKratos(t, &d, drain)
		t.Cleanup(func() { _ = next() })
		if err := stop(); err != nil {
			t.Errorf("app.Run() = %v, want nil", err)
		}
	}
	cancel()
	<-done
	if failed > 0 || calls < 10 {
		t.Errorf("%d of %d calls failed, want none of many", failed, calls)
	}
}

func callOnce(addr string) error {
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = testpb.NewTestServiceClient(conn).EmptyCall(ctx, &testpb.Empty{})
	return err
}
