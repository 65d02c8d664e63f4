// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"syscall"

	"google.golang.org/grpc"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/admin"
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
	control := flag.String("admin", "127.0.0.1:9090", "the address of probes, status and control")
	registry := flag.String("nacos", "127.0.0.1:8848", "the address of Nacos")
	flag.Parse()
	err := serve(*listen, *control, *registry)
	if err != nil {
		log.Print(err)
	}
	os.Exit(lifecycle.ExitCode(err))
}

func serve(listen, control, registry string) error {
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
	controlLis, err := net.Listen("tcp", control)
	if err != nil {
		return err
	}
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...) // before all other options
	testpb.RegisterTestServiceServer(srv, greeter{})  // your services
	controlSrv := &http.Server{}
	manager := lifecycle.New(srv,
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithRegistrar(registrar),
		lifecycle.WithAdmin(lifecycle.HTTPServer(controlSrv), controlLis),
		lifecycle.WithSignals(os.Interrupt, syscall.SIGTERM),
	)
	controlSrv.Handler = admin.Handler(manager) // probes, status, POST /drain
	return manager.Run(context.Background(), lis)
}
