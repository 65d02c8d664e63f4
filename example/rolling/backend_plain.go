// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/example/internal/naming"
	"github.com/lameduck-go/lameduck/example/internal/testservice"
)

// servePlain is a backend without lameduck, with the registration code that frameworks and hand-written programs have.
func servePlain(s spec, lis net.Listener) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)

	recorded, err := recording(s.Record)
	if err != nil {
		return err
	}
	srv := grpc.NewServer(recorded...)
	testgrpc.RegisterTestServiceServer(srv, testservice.New(work))
	hs := health.NewServer()
	healthpb.RegisterHealthServer(srv, hs)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(lis) }()

	registry, err := openRegistry(s)
	if err != nil {
		return err
	}
	addr := lis.Addr().String()
	if err := registry.Register(addr, map[string]string{idKey: s.ID}); err != nil {
		return errors.Join(err, registry.Close())
	}
	ready(lis)

	select {
	case err := <-served:
		return errors.Join(err, registry.Close())
	case <-signals:
	}
	err = offline(s.Strategy, addr, srv, hs, registry)
	return errors.Join(err, <-served, registry.Close())
}

// registry is what a program without lameduck tells that it comes and goes.
type registry interface {
	Register(addr string, metadata map[string]string) error
	Deregister(addr string) error
	Close() error
}

func openRegistry(s spec) (registry, error) {
	if s.Socket != "" {
		return haproxyServer{s}, nil
	}
	return naming.Open(s.Nacos, s.Service)
}

// haproxyServer is what a hand-written script does with HAProxy's runtime API.
type haproxyServer struct{ spec }

func (s haproxyServer) Register(string, map[string]string) error { return s.set("ready") }
func (s haproxyServer) Deregister(string) error                  { return s.set("drain") }
func (haproxyServer) Close() error                               { return nil }

func (s haproxyServer) set(state string) error {
	_, err := askHAProxy(s.Socket, fmt.Sprintf("set server %s/%s state %s", backendName, s.Server, state))
	return err
}

func offline(strategy Strategy, addr string, srv *grpc.Server, hs *health.Server, registry registry) error {
	if strategy == Stop {
		srv.Stop()
		return nil
	}
	err := registry.Deregister(addr)
	if strategy == Sleep {
		time.Sleep(sleepTime)
	}
	hs.Shutdown()
	limit := time.AfterFunc(stopLimit, srv.Stop)
	srv.GracefulStop()
	limit.Stop()
	return err
}
