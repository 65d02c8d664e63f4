// SPDX-License-Identifier: Apache-2.0

package haproxy_test

import (
	"context"
	"log"
	"net"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/lameduck-go/lameduck/haproxy"
	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// A server behind a HAProxy of its own.
func Example() {
	registrar, err := haproxy.New(haproxy.Config{
		Backend: "grpc", Server: "s1", Addresses: []string{"unix:/run/haproxy/admin.sock"},
	})
	if err != nil {
		log.Fatal(err)
	}
	lis, err := net.Listen("tcp", ":9090")
	if err != nil {
		log.Fatal(err)
	}
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	m := lifecycle.New(srv,
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithRegistrar(registrar),
		lifecycle.WithSignals(syscall.SIGTERM),
	)
	if err := m.Run(context.Background(), lis); err != nil {
		log.Print(err)
	}
}

// A server behind a HAProxy of somebody else, who has configured agent-port 9091 and agent-inter 1s.
func ExampleAgent() {
	lis, err := net.Listen("tcp", ":9090")
	if err != nil {
		log.Fatal(err)
	}
	asked, err := net.Listen("tcp", ":9091")
	if err != nil {
		log.Fatal(err)
	}
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	agent := new(haproxy.Agent)
	m := lifecycle.New(srv,
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithHealth(agent),
		lifecycle.WithAdmin(agent, asked),
		lifecycle.WithSettle(2*time.Second),
		lifecycle.WithSignals(syscall.SIGTERM),
	)
	if err := m.Run(context.Background(), lis); err != nil {
		log.Print(err)
	}
}
