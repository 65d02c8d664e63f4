// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
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

// startGateway runs a gRPC server and, in front of it in the same process, an HTTP server that calls it.
func startGateway(t *testing.T, d *directory.Directory) (stop func() error) {
	t.Helper()
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	behind, front := listen(), listen()
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, testService{instance: &instance{slow: make(chan time.Duration)}})
	conn, err := grpc.NewClient("passthrough:///"+behind.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	client := testpb.NewTestServiceClient(conn)
	gateway := &http.Server{Handler: tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		if _, err := client.EmptyCall(r.Context(), &testpb.Empty{}); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))}
	m := lifecycle.New(srv, lifecycle.WithCalls(&tracker), lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithRegistrar(d.Entry(front.Addr().String())), lifecycle.WithServer(lifecycle.HTTPServer(gateway), front))
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- m.Run(ctx, behind) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-result
	})
	t.Cleanup(func() { _ = stop() })
	for !m.Status().Ready {
		time.Sleep(time.Millisecond)
	}
	return stop
}

// TestGatewayInFrontOfItsOwnServer restarts instances of a gateway that calls the gRPC server of its own process, under
// load, and loses nothing.
func TestGatewayInFrontOfItsOwnServer(t *testing.T) {
	t.Parallel()
	var d directory.Directory
	stops := []func() error{startGateway(t, &d), startGateway(t, &d)}
	ctx, cancel := context.WithCancel(context.Background())
	var calls, failed int
	done := make(chan struct{})
	transport := &http.Transport{}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			calls++
			// A POST with a body is not repeated by net/http once a byte has left.
			resp, err := client.Post("http://"+d.Pick()+"/", "text/plain", io.LimitReader(io.MultiReader(), 0))
			switch {
			case err != nil:
				failed++
				t.Logf("call %d: %v", calls, err)
			default:
				if resp.StatusCode != http.StatusOK {
					failed++
					t.Logf("call %d: %s", calls, resp.Status)
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	for _, stop := range stops {
		startGateway(t, &d)
		if err := stop(); err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	}
	cancel()
	<-done
	transport.CloseIdleConnections()
	if failed > 0 || calls < 10 {
		t.Errorf("%d of %d calls failed, want none of many", failed, calls)
	}
}
