// SPDX-License-Identifier: Apache-2.0

package nacosresolver_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/resolver"

	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func build(t *testing.T, b resolver.Builder, to string) (*channel, resolver.Resolver) {
	t.Helper()
	c := newChannel()
	r, err := b.Build(target(t, to), c, resolver.BuildOptions{})
	if err != nil {
		t.Fatalf("Build(%q) = %v, want nil", to, err)
	}
	return c, r
}

func TestChannelsShareAConnection(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	publish(t, registry, "orders", "10.0.0.1:1")
	publish(t, registry, "orders", "10.0.0.2:1", func(i *nacostest.Instance) { i.Cluster = "a" })
	b := nacosresolver.NewBuilder(nacosresolver.Config{Servers: []string{registry.Addr()}})
	first, one := build(t, b, "nacos:///orders")
	first.want(t, "10.0.0.1:1/100", "10.0.0.2:1/100")
	subscriptions := registry.Requests(nacostest.Subscribe)
	rest := []resolver.Resolver{one}
	for range 99 { // they have the last list at once, each its own clusters of it
		c, r := build(t, b, "nacos:///orders?cluster=a")
		c.want(t, "10.0.0.2:1/100")
		rest = append(rest, r)
	}
	if n := registry.Requests(nacostest.Subscribe); n != subscriptions || registry.Connections() != 1 {
		t.Errorf("%d connections and %d subscriptions more for 100 channels, want one connection and no subscription",
			registry.Connections(), n-subscriptions)
	}
	other, r := build(t, b, "nacos:///orders?group=shop")
	other.wantError(t, "no usable instance")
	if n := registry.Connections(); n != 2 {
		t.Errorf("%d connections with another group, want one more", n)
	}
	r.Close()
	for _, r := range rest[1:] {
		r.Close()
	}
	publish(t, registry, "orders", "10.0.0.3:1")
	first.want(t, "10.0.0.1:1/100", "10.0.0.2:1/100", "10.0.0.3:1/100")
	one.Close()
	eventually(t, "the last Close has closed", func() bool { return registry.Connections() == 0 })
	c, r := build(t, b, "nacos:///orders")
	c.want(t, "10.0.0.1:1/100", "10.0.0.2:1/100", "10.0.0.3:1/100")
	r.Close()
}

// Channels that come and go meet the connection that is being closed, and are not handed it.
func TestChannelsComeAndGo(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	publish(t, registry, "orders", "10.0.0.1:1")
	b := nacosresolver.NewBuilder(nacosresolver.Config{Servers: []string{registry.Addr()}})
	var users sync.WaitGroup
	for range 8 {
		users.Go(func() {
			for range 10 {
				c, r := build(t, b, "nacos:///orders")
				select {
				case <-c.states:
				case <-time.After(patience):
					t.Error("no list")
				}
				r.Close()
			}
		})
	}
	users.Wait()
	eventually(t, "the last Close has closed", func() bool { return registry.Connections() == 0 })
}

func TestBrokenSubscriptionIsReplacedOnceForAll(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	publish(t, registry, "orders", "10.0.0.1:1")
	b := nacosresolver.NewBuilder(nacosresolver.Config{Servers: []string{registry.Addr()}})
	var channels []*channel
	for range 10 {
		c, r := build(t, b, "nacos:///orders")
		t.Cleanup(r.Close)
		c.want(t, "10.0.0.1:1/100")
		channels = append(channels, c)
	}
	registry.LoseSubscription("orders", "")
	publish(t, registry, "orders", "10.0.0.2:1")
	before := registry.Requests(nacostest.Subscribe)
	for _, c := range channels {
		c.want(t, "10.0.0.1:1/100", "10.0.0.2:1/100")
	}
	eventually(t, "the broken connection has ended", func() bool {
		return registry.Connections() == 1 && registry.Requests(nacostest.Subscribe) == before+1
	})
}

// One connection for each service, and none of them can be reached any more.
func TestCloseIsBounded(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	b := nacosresolver.NewBuilder(nacosresolver.Config{Servers: []string{registry.Addr()}})
	var resolvers []resolver.Resolver
	for n := range 100 {
		publish(t, registry, "service-"+strconv.Itoa(n), "10.0.0.1:1")
		c, r := build(t, b, "nacos:///service-"+strconv.Itoa(n))
		resolvers = append(resolvers, r)
		c.want(t, "10.0.0.1:1/100")
	}
	registry.Freeze()
	t.Cleanup(registry.Thaw)
	var closing sync.WaitGroup
	began := time.Now()
	for _, r := range resolvers {
		closing.Go(r.Close)
	}
	closing.Wait()
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("Close of 100 subscriptions took %v, want about 2 s at the most", d)
	}
}

// process is what a closed channel could leave behind.
type process struct{ goroutines, descriptors, directories int }

func look() process {
	fds, _ := filepath.Glob("/proc/self/fd/*")
	dirs, _ := os.ReadDir(os.TempDir())
	return process{runtime.NumGoroutine(), len(fds), len(dirs)}
}

// wantAsBefore is patient with goroutines that are about to end.
func wantAsBefore(t *testing.T, before process) {
	t.Helper()
	var now process
	for range 500 {
		if now = look(); now.goroutines <= before.goroutines+5 && now.descriptors <= before.descriptors+5 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if now.goroutines > before.goroutines+5 || now.descriptors > before.descriptors+5 || now.directories > before.directories {
		t.Errorf("%+v, want about %+v as before", now, before)
	}
}

func TestClosedChannelsLeaveNothing(t *testing.T) { // not parallel: it counts what the process has
	t.Setenv("TMPDIR", t.TempDir())
	registry := nacostest.Start(t)
	publish(t, registry, "orders", "10.0.0.1:1")
	round := func() {
		var users sync.WaitGroup
		for range 10 {
			users.Go(func() {
				c, r := build(t, nacosresolver.NewBuilder(nacosresolver.Config{Servers: []string{registry.Addr()}}), "nacos:///orders")
				select {
				case <-c.states:
				case <-time.After(patience):
					t.Error("no list")
				}
				r.Close()
			})
		}
		users.Wait()
	}
	round() // what the process keeps once
	before := look()
	for range 10 {
		round()
	}
	wantAsBefore(t, before)
}

func TestIdleChannelLeavesNothing(t *testing.T) { // not parallel: it counts what the process has
	t.Setenv("TMPDIR", t.TempDir()) // the directories of others come and go
	registry := nacostest.Start(t)
	publish(t, registry, "orders", backend(t))
	before := look()
	conn, err := grpc.NewClient("nacos:///orders", grpc.WithIdleTimeout(100*time.Millisecond),
		grpc.WithResolvers(nacosresolver.NewBuilder(nacosresolver.Config{Servers: []string{registry.Addr()}})),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 8 {
		if _, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true)); err != nil {
			t.Fatalf("Check() = %v, want nil", err)
		}
		for now := conn.GetState(); now != connectivity.Idle; now = conn.GetState() {
			if !conn.WaitForStateChange(ctx, now) {
				t.Fatalf("state %v, want idle", now)
			}
		}
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	wantAsBefore(t, before)
}
