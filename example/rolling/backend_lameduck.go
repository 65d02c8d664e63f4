// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"sync"
	"syscall"

	"google.golang.org/grpc"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/example/internal/testservice"
	"github.com/lameduck-go/lameduck/haproxy"
	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos"
)

// serveLameduck is a backend with lameduck, wired as in example/server.
func serveLameduck(s spec, lis net.Listener) error {
	var tracker interceptor.Tracker
	recorded, err := recording(s.Record)
	if err != nil {
		return err
	}
	srv := grpc.NewServer(append(tracker.ServerOptions(), recorded...)...)
	testgrpc.RegisterTestServiceServer(srv, testservice.New(work))
	registrar, err := newRegistrar(s, lis)
	if err != nil {
		return err
	}
	var once sync.Once
	options := []lifecycle.Option{
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithRegistrar(registrar),
		lifecycle.WithSignals(syscall.SIGTERM),
		lifecycle.WithSuccessor(successorWait),
		lifecycle.WithOnState(func(state lifecycle.State) {
			if state == lifecycle.Serving {
				once.Do(func() { ready(lis) })
			}
		}),
	}
	if s.Settle != nil {
		options = append(options, lifecycle.WithSettle(*s.Settle))
	}
	if s.Strategy == Strict {
		// Strict waits for every counter to be zero. Streams count, so they have to be told before that.
		options = append(options, lifecycle.WithPolicy(lifecycle.Strict), lifecycle.WithStreamNotice(lifecycle.AtWithdrawn))
	}
	manager := lifecycle.New(srv, options...)
	err = manager.Run(context.Background(), lis)
	return errors.Join(err, writeReport(s.Report, manager.Report()))
}

func newRegistrar(s spec, lis net.Listener) (lifecycle.Registrar, error) {
	if s.Socket != "" {
		return haproxy.New(haproxy.Config{Backend: backendName, Server: s.Server, Addresses: []string{"unix:" + s.Socket}})
	}
	return nacos.New(
		nacos.Config{Servers: []string{s.Nacos}, Namespace: s.Service.Namespace},
		nacos.Instance{
			Service: s.Service.Name, Group: s.Service.Group, Addr: lis.Addr().String(),
			Weight: 1, Metadata: map[string]string{idKey: s.ID},
		},
	)
}

func writeReport(file string, report lifecycle.Report) error {
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}
