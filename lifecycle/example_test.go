// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

type greeter struct {
	testpb.UnimplementedTestServiceServer
}

func (greeter) EmptyCall(context.Context, *testpb.Empty) (*testpb.Empty, error) {
	return &testpb.Empty{}, nil
}

func listen() net.Listener {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	return lis
}

// Run stands where Serve stood.
func Example() {
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, greeter{})
	manager := lifecycle.New(srv,
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithSignals(os.Interrupt, syscall.SIGTERM),
		lifecycle.WithSettle(100*time.Millisecond), // nobody looks for this address in a registry
		lifecycle.WithOnState(func(s lifecycle.State) { fmt.Println(s) }),
	)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond) // in the place of a signal
	defer cancel()
	err := manager.Run(ctx, listen())
	fmt.Println(manager.Report().Outcome, err)
	// Output:
	// serving
	// draining
	// stopping
	// stopped
	// stopped <nil>
}

// A program, or a framework, that calls Serve itself.
func ExampleManager_Start() {
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, greeter{})
	manager := lifecycle.New(srv,
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithSettle(100*time.Millisecond),
	)
	lis := manager.WatchHandshakes(listen())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(lis) }()

	ctx := context.Background()
	if err := manager.Start(ctx, lis.Addr()); err != nil { // in a hook that is called after Serve
		log.Fatal(err)
	}
	fmt.Println(manager.Status().State)
	if err := manager.Drain(ctx); err != nil { // in a hook that is called before GracefulStop
		log.Fatal(err)
	}
	fmt.Println(manager.Status().State)
	if err := manager.Shutdown(ctx); err != nil { // in the last hook
		log.Fatal(err)
	}
	fmt.Println(manager.Status().State, <-served)
	// Output:
	// serving
	// draining
	// stopped <nil>
}

// A program that calls Serve itself, and whose main function ends when Serve returns. Shutdown is shared: the last line
// waits for the one that somebody else has begun.
func ExampleManager_Shutdown() {
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, greeter{})
	manager := lifecycle.New(srv,
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithSettle(100*time.Millisecond),
		lifecycle.WithOnStop(func(context.Context) error {
			time.Sleep(100 * time.Millisecond)
			fmt.Println("flushed")
			return nil
		}),
	)
	serve := func() error {
		lis := manager.WatchHandshakes(listen())
		if err := manager.Start(context.Background(), lis.Addr()); err != nil { // the listener queues until Serve
			return err
		}
		go manager.Shutdown(context.Background()) // by a signal handler, or an admin call
		return errors.Join(srv.Serve(lis), manager.Shutdown(context.Background()))
	}
	err := serve()
	fmt.Println(manager.Status().State, err)
	// Output:
	// flushed
	// stopped <nil>
}

// A gateway in front of the gRPC server of the same process. It is stopped first, and its requests hold off quiet.
func ExampleHTTPServer() {
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, greeter{})
	behind, front := listen(), listen()
	conn, err := grpc.NewClient(behind.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	client := testpb.NewTestServiceClient(conn)
	gateway := &http.Server{Handler: tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := client.EmptyCall(r.Context(), &testpb.Empty{}); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))}
	manager := lifecycle.New(srv,
		lifecycle.WithCalls(&tracker),
		lifecycle.WithServer(lifecycle.HTTPServer(gateway), front),
		lifecycle.WithSettle(100*time.Millisecond),
		lifecycle.WithOnStop(func(context.Context) error { return conn.Close() }), // no request needs it any more
	)
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- manager.Run(ctx, behind) }()

	resp, err := http.Get("http://" + front.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	cancel()
	fmt.Println(<-result)
	// Output:
	// 200 OK
	// <nil>
}
