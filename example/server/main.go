// SPDX-License-Identifier: Apache-2.0

// Server is a complete gRPC server that goes offline without losing a call: grpc.testing.TestService
// and health, registered in Nacos or not. It prints one line, "listening on ADDR", and logs to stderr.
// It exits with 0 after a clean offline, 3 after a forced one, 1 on an error, and 2 when a flag is wrong.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"

	"google.golang.org/grpc"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/admin"
	"github.com/lameduck-go/lameduck/example/internal/flags"
	"github.com/lameduck-go/lameduck/example/internal/testservice"
	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	var c command
	set := c.flags()
	err := flags.Parse(set, args)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return flags.Exit(set, err, stderr)
	}
	err = serve(context.Background(), &c, stdout)
	if err != nil {
		fmt.Fprintf(stderr, "server: %v\n", err)
	}
	return lifecycle.ExitCode(err)
}

func serve(ctx context.Context, c *command, stdout io.Writer) error {
	lis, err := net.Listen("tcp", c.listen)
	if err != nil {
		return err
	}
	defer lis.Close()
	var opts []grpc.ServerOption // credentials, limits, interceptors of your own
	flagged := append(c.options(), lifecycle.WithOnState(announce(stdout, lis.Addr())))

	var tracker interceptor.Tracker
	srv := grpc.NewServer(append(tracker.ServerOptions(), opts...)...)
	testgrpc.RegisterTestServiceServer(srv, testservice.New(c.work))
	options := append(flagged,
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithSignals(os.Interrupt, syscall.SIGTERM),
	)
	if c.nacos != "" {
		registrar, err := nacos.New(
			nacos.Config{Servers: []string{c.nacos}, Namespace: c.namespace},
			nacos.Instance{Service: c.service, Group: c.group, Addr: c.advertise},
		)
		if err != nil {
			return err
		}
		options = append(options, lifecycle.WithRegistrar(registrar))
	}
	control := &http.Server{}
	if c.admin != "" {
		controlLis, err := net.Listen("tcp", c.admin)
		if err != nil {
			return err
		}
		slog.Info("probes, status and control", "addr", controlLis.Addr().String())
		options = append(options, lifecycle.WithAdmin(lifecycle.HTTPServer(control), controlLis))
	}
	manager := lifecycle.New(srv, options...)
	control.Handler = admin.Handler(manager)
	err = manager.Run(ctx, lis)

	return errors.Join(err, writeReport(c.report, manager.Report()))
}

// announce returns a function that prints the address once the server answers and heeds signals.
func announce(stdout io.Writer, addr net.Addr) func(lifecycle.State) {
	var once sync.Once
	return func(state lifecycle.State) {
		if state == lifecycle.Serving {
			once.Do(func() { fmt.Fprintf(stdout, "listening on %s\n", addr) })
		}
	}
}

// writeReport writes the report as JSON; without a file's name it does nothing.
func writeReport(file string, report lifecycle.Report) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
