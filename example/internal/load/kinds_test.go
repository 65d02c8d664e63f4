// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/example/internal/naming"
	"github.com/lameduck-go/lameduck/example/internal/testservice"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

var shop = naming.Service{Name: "shop"}

// backend serves on a loopback port and registers itself. stop cuts it off.
func backend(t *testing.T, registry string) (stop func()) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer()
	testgrpc.RegisterTestServiceServer(srv, testservice.New(testservice.Work{}))
	healthpb.RegisterHealthServer(srv, health.NewServer())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(lis) }()
	t.Cleanup(func() {
		srv.Stop()
		<-served
	})
	client, err := naming.Open(registry, shop)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if err := client.Register(lis.Addr().String(), nil); err != nil {
		t.Fatal(err)
	}
	return srv.Stop
}

// awaitListed returns when n instances are listed.
func awaitListed(t *testing.T, registry string, n int) {
	t.Helper()
	listing, err := naming.Subscribe(registry, shop)
	if err != nil {
		t.Fatal(err)
	}
	defer listing.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := listing.Wait(ctx, func(instances []naming.Instance) bool { return len(instances) == n }); err != nil {
		t.Fatalf("Wait(%d instances) = %v with %v", n, err, listing.Instances())
	}
}

func TestEveryKindCallsWithoutLoss(t *testing.T) {
	registry := nacostest.Start(t).Addr()
	backend(t, registry)
	backend(t, registry)
	awaitListed(t, registry, 2)
	for _, kind := range Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			l, err := Open(Config{Kind: kind, Nacos: registry, Service: shop, Rate: 100, Streams: 4, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
			defer cancel()
			l.Run(ctx)
			got := l.Counts()
			if err := l.Close(); err != nil {
				t.Errorf("Close() = %v, want nil", err)
			}
			switch {
			case kind == Stream && (got.Streams != 4 || got.StreamsCut != 0):
				t.Errorf("Counts() = %+v, want 4 streams, none cut", got)
			case kind != Stream && (got.Calls < 20 || got.Failed > 0):
				t.Errorf("Counts() = %+v, want some tens of calls, none failed", got)
			}
		})
	}
}

// A load that cannot see loss proves nothing.
func TestEveryKindSeesLoss(t *testing.T) {
	for _, kind := range Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			registry := nacostest.Start(t).Addr()
			stop := backend(t, registry)
			awaitListed(t, registry, 1)
			l, err := Open(Config{Kind: kind, Nacos: registry, Service: shop, Rate: 100, Streams: 2, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			over := make(chan struct{})
			go func() {
				defer close(over)
				l.Run(ctx)
			}()
			await(t, func() bool { c := l.Counts(); return c.Calls > 10 || c.Streams == 2 })
			stop() // and stays listed
			await(t, func() bool { c := l.Counts(); return c.Failed > 0 || c.StreamsCut > 0 })
			cancel()
			<-over
			if got := l.Counts(); got.Codes["UNAVAILABLE"] == 0 {
				t.Errorf("Counts() = %+v, want some UNAVAILABLE", got)
			}
			if err := l.Close(); err != nil {
				t.Errorf("Close() = %v, want nil", err)
			}
		})
	}
}

func await(t *testing.T, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !reached(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not reached in 15 s")
		}
	}
}

// What a careful hand-written consumer does, and what makes its losses the server's: a channel whose
// instance has left the list is closed, but only after its last call.
func TestPerInstanceClosesChannelsGracefully(t *testing.T) {
	p := &perInstance{}
	p.update([]naming.Instance{{Addr: "127.0.0.1:1"}, {Addr: "127.0.0.1:2"}})
	busy, idle := p.take(), p.take()
	p.giveBack(idle)
	p.update(nil)
	if state := idle.conn.GetState(); state.String() != "SHUTDOWN" {
		t.Errorf("state of the idle channel = %v, want SHUTDOWN", state)
	}
	if state := busy.conn.GetState(); state.String() == "SHUTDOWN" {
		t.Error("the channel of a call under way is closed")
	}
	if c := p.take(); c != nil {
		t.Errorf("take() of an empty list = %v, want nil", c.addr)
	}
	p.giveBack(busy)
	if state := busy.conn.GetState(); state.String() != "SHUTDOWN" {
		t.Errorf("state of the channel after its last call = %v, want SHUTDOWN", state)
	}
}

func TestPerInstanceTakesTurns(t *testing.T) {
	p := &perInstance{}
	p.update([]naming.Instance{{Addr: "127.0.0.1:1"}, {Addr: "127.0.0.1:2"}})
	first := p.channels[0].conn
	p.update([]naming.Instance{{Addr: "127.0.0.1:1"}, {Addr: "127.0.0.1:3"}})
	if p.channels[0].conn != first {
		t.Error("update() made a new channel for an instance that stayed")
	}
	taken := make(map[string]int)
	for range 10 {
		c := p.take()
		taken[c.addr]++
		p.giveBack(c)
	}
	if taken["127.0.0.1:1"] != 5 || taken["127.0.0.1:3"] != 5 {
		t.Errorf("10 calls went to %v, want 5 to each listed instance", taken)
	}
	p.update(nil)
}
