// SPDX-License-Identifier: Apache-2.0

// Server is one gRPC server behind a HAProxy: it says ready when it serves, and drains itself when it is told to end.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"syscall"
	"time"

	"google.golang.org/grpc"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/haproxy"
	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

type greeter struct {
	testpb.UnimplementedTestServiceServer // and your methods
}

func (greeter) EmptyCall(context.Context, *testpb.Empty) (*testpb.Empty, error) {
	time.Sleep(10 * time.Millisecond)
	return &testpb.Empty{}, nil
}

func main() {
	listen := flag.String("listen", "127.0.0.1:17101", "the address to serve on")
	name := flag.String("server", "s1", "the name of the server in the backend grpc; empty: by its address")
	admin := flag.String("admin", "unix:/run/haproxy/admin.sock", "HAProxy's runtime API")
	flag.Parse()
	err := serve(*listen, haproxy.Config{Backend: "grpc", Server: *name, Addresses: []string{*admin}})
	if err != nil {
		log.Print(err)
	}
	os.Exit(lifecycle.ExitCode(err))
}

func serve(listen string, balancer haproxy.Config) error {
	registrar, err := haproxy.New(balancer)
	if err != nil {
		return err
	}
	lis, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, greeter{})
	manager := lifecycle.New(srv,
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithRegistrar(registrar),
		lifecycle.WithSignals(os.Interrupt, syscall.SIGTERM),
	)
	defer func() { fmt.Println("executed", tracker.Admitted()) }()
	return manager.Run(context.Background(), lis)
}
