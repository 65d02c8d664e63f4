// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"log"
	"net"
	"os"
	"syscall"

	"google.golang.org/grpc"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos"
)

type greeter struct {
	testpb.UnimplementedTestServiceServer // and your methods
}

func main() {
	listen := flag.String("listen", ":50051", "the address to serve on")
	registry := flag.String("nacos", "127.0.0.1:8848", "the address of Nacos")
	flag.Parse()
	err := serve(*listen, *registry)
	if err != nil {
		log.Print(err)
	}
	os.Exit(lifecycle.ExitCode(err))
}

func serve(listen, registry string) error {
	registrar, err := nacos.New(
		nacos.Config{Servers: []string{registry}},
		nacos.Instance{Service: "greeter"},
	)
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
	return manager.Run(context.Background(), lis)
}
