// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/internal/directory"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// startGateway runs a gRPC server and, in front of it in the same process, an HTTP server whose requests call it after
// the time that they ask for. The instance's address is the gateway's.
func startGateway(t *testing.T, d *directory.Directory, opts ...lifecycle.Option) *instance {
	t.Helper()
	behind, front := listen(t), listen(t)
	i := &instance{addr: front.Addr().String(), result: make(chan error, 1)}
	srv := grpc.NewServer(i.calls.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, testService{instance: i})
	conn, err := grpc.NewClient("passthrough:///"+behind.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	client := testpb.NewTestServiceClient(conn)
	gateway := &http.Server{Handler: i.calls.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait, _ := time.ParseDuration(r.FormValue("wait"))
		time.Sleep(wait)
		if _, err := client.EmptyCall(r.Context(), &testpb.Empty{}); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))}
	opts = append([]lifecycle.Option{
		lifecycle.WithCalls(&i.calls), lifecycle.WithHealth(health.Register(srv)), lifecycle.WithRegistrar(d.Entry(i.addr)),
		lifecycle.WithServer(lifecycle.HTTPServer(gateway), front), lifecycle.WithLogger(slog.New(slog.DiscardHandler)),
		lifecycle.WithOnStop(func(context.Context) error { return conn.Close() }),
	}, opts...)
	i.Manager = lifecycle.New(srv, opts...)
	ctx, cancel := context.WithCancel(context.Background())
	i.stop = cancel
	go func() { i.result <- i.Run(ctx, behind) }()
	t.Cleanup(func() {
		cancel()
		<-i.result
	})
	i.await(t, "ready", func() bool { return i.Status().Ready })
	return i
}

// keptConnections makes a client that keeps its connections, and looks where to go only when it opens one.
func keptConnections(t *testing.T, d *directory.Directory) *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, d.Pick())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

// TestGatewayInFrontOfItsOwnServer restarts instances of a gateway that calls the gRPC server of its own process, under
// load, and loses nothing: neither quick requests nor those that call the server behind after GracefulStop has begun.
func TestGatewayInFrontOfItsOwnServer(t *testing.T) {
	t.Parallel()
	var d directory.Directory
	old := []*instance{startGateway(t, &d), startGateway(t, &d)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var calls, failed atomic.Int64
	var calling sync.WaitGroup
	for n := range 32 {
		wait := 0
		if n%4 == 0 {
			wait = 1500 // longer than settle and quiet
		}
		url := fmt.Sprintf("http://service/?wait=%dms", wait)
		client := keptConnections(t, &d)
		calling.Go(func() {
			for ctx.Err() == nil {
				calls.Add(1)
				if err := post(t.Context(), client, url); err != nil {
					failed.Add(1)
					t.Logf("%s: %v", url, err)
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	for _, i := range old {
		startGateway(t, &d)
		i.await(t, "asked for what takes long", func() bool { return i.Status().Calls.Unary > 0 })
		i.stop()
		if err := i.finish(t); err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	}
	cancel()
	calling.Wait()
	if failed.Load() > 0 || calls.Load() < 100 {
		t.Errorf("%d of %d calls failed, want none of many", failed.Load(), calls.Load())
	}
}

// TestRequestsHoldOffQuiet: where nobody speaks gRPC, the requests of the middleware are the traffic.
func TestRequestsHoldOffQuiet(t *testing.T) {
	t.Parallel()
	var d directory.Directory
	var tracker interceptor.Tracker
	i := startHTTP(t, &http.Server{Handler: http.NotFoundHandler()}, &tracker,
		lifecycle.WithRegistrar(d.Entry("")), lifecycle.WithQuiet(time.Second))
	began := time.Now()
	drained := make(chan error, 1)
	go func() { drained <- i.Drain(t.Context(), lifecycle.DrainLast()) }()
	var last time.Time
	for time.Since(began) < 2*time.Second { // more than settle and quiet
		last = time.Now()
		_ = post(t.Context(), http.DefaultClient, "http://"+i.addr) // 404
		time.Sleep(20 * time.Millisecond)
	}
	if err := <-drained; err != nil {
		t.Errorf("Drain() = %v, want nil", err)
	}
	if quiet := time.Since(last); quiet < time.Second {
		t.Errorf("Drain returned %v after the last request, want it to wait for quiet", quiet)
	}
}
