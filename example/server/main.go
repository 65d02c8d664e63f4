// SPDX-License-Identifier: Apache-2.0

// Server is a complete gRPC server that goes offline without losing a call: grpc.testing.TestService
// and health, registered in Nacos or not. It prints one line, "listening on ADDR", and logs to stderr.
// The variables of lifecycle.FromEnv and nacos.ConfigFromEnv are read; the former win over flags, the latter do not.
// It exits with 0 after a clean offline, 3 after a forced one, 1 on an error, and 2 when a flag is wrong.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
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
	registrar, err := newRegistrar(c)
	if err != nil {
		return err
	}
	var admins admins
	served, err := admins.listen(c)
	if err != nil {
		return err
	}
	options := append(append(flagged, served...),
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithRegistrar(registrar),
		lifecycle.WithSignals(os.Interrupt, syscall.SIGTERM),
		lifecycle.FromEnv(),
	)
	manager := lifecycle.New(srv, options...)
	admins.answerFor(manager)
	err = manager.Run(ctx, lis)

	return errors.Join(err, writeReport(c.report, manager.Report()))
}

// newRegistrar returns nil where neither the flags nor the environment name a registry.
func newRegistrar(c *command) (lifecycle.Registrar, error) {
	cfg, err := nacos.ConfigFromEnv()
	if err != nil {
		return nil, err
	}
	if c.nacos != "" {
		cfg.Servers = []string{c.nacos}
	}
	if c.namespace != "" {
		cfg.Namespace = c.namespace
	}
	if len(cfg.Servers) == 0 {
		return nil, nil
	}
	return nacos.New(cfg, nacos.Instance{Service: c.service, Group: c.group, Addr: c.advertise})
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
