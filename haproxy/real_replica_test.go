// SPDX-License-Identifier: Apache-2.0

//go:build unix

package haproxy_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/haproxy"
	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// A replica is one server process in small: what the README shows, with a registrar of its own.
type replica struct {
	*lifecycle.Manager
	calls  interceptor.Tracker
	addr   string
	stop   context.CancelFunc
	result chan error
}

// startReplica serves on addr until the test ends.
func startReplica(t *testing.T, addr string, service testpb.TestServiceServer, opts ...lifecycle.Option) *replica {
	t.Helper()
	return (&replica{}).start(t, addr, service, opts...)
}

func (r *replica) start(t *testing.T, addr string, service testpb.TestServiceServer, opts ...lifecycle.Option) *replica {
	t.Helper()
	lis := listen(t, addr)
	r.addr, r.result = lis.Addr().String(), make(chan error, 1)
	srv := grpc.NewServer(r.calls.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, service)
	hs := health.Register(srv)
	r.Manager = lifecycle.New(srv, append([]lifecycle.Option{
		lifecycle.WithCalls(&r.calls), lifecycle.WithHealth(hs), lifecycle.WithLogger(logger(t)),
	}, opts...)...)
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() { r.result <- r.Run(ctx, lis) }()
	t.Cleanup(func() {
		cancel()
		r.Force()
		_ = r.finish(t)
	})
	until(t, r.addr+" is ready", func() bool { return r.Status().Ready })
	return r
}

func (r *replica) finish(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.result:
		r.result <- err
		return err
	case <-time.After(40 * time.Second):
		t.Fatal("Run has not returned after 40 s")
		return nil
	}
}

// goOffline ends the replica, without an error.
func (r *replica) goOffline(t *testing.T) {
	t.Helper()
	r.stop()
	if err := r.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	if unary, streams := r.calls.InFlight(); unary+streams > 0 {
		t.Errorf("%d calls and %d streams are in flight after Run", unary, streams)
	}
}

// listen tries again: on a busy machine another program may have the address for a moment.
func listen(t *testing.T, addr string) (lis net.Listener) {
	t.Helper()
	until(t, addr+" is free", func() bool {
		var err error
		lis, err = net.Listen("tcp", addr)
		return err == nil
	})
	return lis
}

// freeAddrs are addresses that nobody listens on: HAProxy has them in its configuration before the servers do. They are
// below those that systems give to connections, and the UDP port of the same number keeps other test processes away, so
// that none is taken while its server is restarted.
func freeAddrs(t *testing.T, n int) (addrs []string) {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprint("127.0.0.1:", 10000+rand.IntN(10000)) // example/rolling has those above
		keep, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = keep.Close() })
		lis, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		_ = lis.Close()
		if addrs = append(addrs, addr); len(addrs) == n {
			return addrs
		}
	}
	t.Fatal("no free ports")
	return nil
}

func logger(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

// newRegistrar makes a Registrar of grpc/server that is closed with the test.
func newRegistrar(t *testing.T, server string, addresses ...string) *haproxy.Registrar {
	t.Helper()
	r, err := haproxy.New(haproxy.Config{Backend: "grpc", Server: server, Addresses: addresses, Logger: logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// servers are the lines of a backend; s1, s2 and so on.
func servers(addrs []string, options string) (lines []string) {
	for i, addr := range addrs {
		lines = append(lines, fmt.Sprintf("server s%d %s proto h2 %s", i+1, addr, options))
	}
	return lines
}
