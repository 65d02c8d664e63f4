// SPDX-License-Identifier: Apache-2.0

// Systemd is a server that tells systemd how it stands: READY=1 once it is listed, STOPPING=1 when it has begun to go.
// greeter.service is its unit. Budget and registry come from the environment: LAMEDUCK_BUDGET,
// LAMEDUCK_NACOS_SERVERS and the other variables of lifecycle.FromEnv and nacos.ConfigFromEnv; without a registry it is
// ready as soon as it serves. It exits as lifecycle.ExitCode says, and with 2 when a flag is wrong.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"google.golang.org/grpc"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/example/internal/flags"
	"github.com/lameduck-go/lameduck/example/internal/testservice"
	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

func run(args []string, stderr io.Writer) int {
	set := flag.NewFlagSet("systemd", flag.ContinueOnError)
	listen := set.String("listen", ":50051", "serve on `HOST:PORT`")
	err := flags.Parse(set, args)
	if err == nil {
		err = flags.Listen("listen", *listen)
	}
	if err != nil {
		return flags.Exit(set, err, stderr)
	}
	err = serve(context.Background(), *listen)
	if err != nil {
		fmt.Fprintf(stderr, "systemd: %v\n", err)
	}
	return lifecycle.ExitCode(err)
}

func serve(ctx context.Context, listen string) error {
	supervisor, err := findSupervisor(os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	registrar, err := newRegistrar()
	if err != nil {
		return err
	}
	lis, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testgrpc.RegisterTestServiceServer(srv, testservice.New(testservice.Work{}))
	t := newTeller(supervisor, health.Register(srv))
	manager := lifecycle.New(srv,
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(t),
		lifecycle.WithRegistrar(registrar),
		lifecycle.WithSignals(os.Interrupt, syscall.SIGTERM),
		lifecycle.WithOnState(t.onState),
		lifecycle.FromEnv(),
	)
	t.status = manager.Status
	defer t.tellReady()()
	return manager.Run(ctx, lis)
}

// newRegistrar returns nil when the environment names no registry.
func newRegistrar() (lifecycle.Registrar, error) {
	config, err := nacos.ConfigFromEnv()
	if err != nil || len(config.Servers) == 0 {
		return nil, err
	}
	return nacos.New(config, nacos.Instance{Service: "greeter"})
}
