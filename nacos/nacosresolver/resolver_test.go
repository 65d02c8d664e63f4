// SPDX-License-Identifier: Apache-2.0

package nacosresolver_test

import (
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/experimental/balancer/weight"
	"google.golang.org/grpc/resolver"

	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

const patience = 20 * time.Second

// channel is what the resolver talks to in place of a grpc.ClientConn.
type channel struct {
	resolver.ClientConn
	states chan resolver.State
	errs   chan error
}

func newChannel() *channel {
	return &channel{states: make(chan resolver.State, 100), errs: make(chan error, 100)}
}

func (c *channel) UpdateState(s resolver.State) error { c.states <- s; return nil }
func (c *channel) ReportError(err error)              { c.errs <- err }

// next returns the endpoints of the next state as "addr/weight", sorted.
func (c *channel) next(t *testing.T) []string {
	t.Helper()
	select {
	case s := <-c.states:
		var out []string
		for _, e := range s.Endpoints {
			out = append(out, fmt.Sprintf("%s/%d", e.Addresses[0].Addr, weight.FromEndpoint(e).Weight))
		}
		slices.Sort(out)
		return out
	case <-time.After(patience):
		t.Fatalf("no state in %v", patience)
		return nil
	}
}

func (c *channel) want(t *testing.T, want ...string) {
	t.Helper()
	if got := c.next(t); !slices.Equal(got, want) {
		t.Fatalf("UpdateState(%v), want %v", got, want)
	}
}

func (c *channel) wantError(t *testing.T, part string) {
	t.Helper()
	select {
	case err := <-c.errs:
		if !strings.HasPrefix(err.Error(), "nacosresolver: ") || !strings.Contains(err.Error(), part) {
			t.Fatalf("ReportError(%v), want one about %q", err, part)
		}
	case <-time.After(patience):
		t.Fatalf("no error in %v, want one about %q", patience, part)
	}
}

// lines counts log lines that have a text in them.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

func target(t *testing.T, s string) resolver.Target {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return resolver.Target{URL: *u}
}

func follow(t *testing.T, cfg nacosresolver.Config, to string) *channel {
	t.Helper()
	c := newChannel()
	r, err := nacosresolver.NewBuilder(cfg).Build(target(t, to), c, resolver.BuildOptions{})
	if err != nil {
		t.Fatalf("Build(%q) = %v, want nil", to, err)
	}
	t.Cleanup(r.Close)
	return c
}

func publish(t *testing.T, registry *nacostest.Server, service, addr string, change ...func(*nacostest.Instance)) (withdraw func()) {
	t.Helper()
	withdraw, err := registry.Publish(service, addr, change...)
	if err != nil {
		t.Fatal(err)
	}
	return withdraw
}

func TestFollowsTheList(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	publish(t, registry, "shop@@orders", "10.0.0.1:1")
	c := follow(t, nacosresolver.Config{Servers: []string{registry.Addr()}}, "nacos:///orders?group=shop")
	c.want(t, "10.0.0.1:1/100")
	withdraw := publish(t, registry, "shop@@orders", "10.0.0.2:2", func(i *nacostest.Instance) { i.Weight = 2.5 })
	c.want(t, "10.0.0.1:1/100", "10.0.0.2:2/250")
	withdraw()
	c.want(t, "10.0.0.1:1/100")
}

func TestOnlyWhatMayBeCalled(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	publish(t, registry, "orders", "10.0.0.1:1", func(i *nacostest.Instance) { i.Healthy = false })
	publish(t, registry, "orders", "10.0.0.2:1", func(i *nacostest.Instance) { i.Enabled = false })
	publish(t, registry, "orders", "10.0.0.3:1", func(i *nacostest.Instance) { i.Weight = 0 })
	publish(t, registry, "orders", "10.0.0.4:1", func(i *nacostest.Instance) { i.Cluster = "a" })
	publish(t, registry, "orders", "10.0.0.5:1", func(i *nacostest.Instance) { i.Cluster = "b"; i.Weight = 0.001 })
	publish(t, registry, "orders", "10.0.0.5:1", func(i *nacostest.Instance) { i.Cluster = "c" })
	publish(t, registry, "orders", "[fd00::1]:1", func(i *nacostest.Instance) { i.Cluster = "a" })

	cfg := nacosresolver.Config{Servers: []string{registry.Addr()}}
	follow(t, cfg, "nacos:///orders").want(t, "10.0.0.4:1/100", "10.0.0.5:1/1", "[fd00::1]:1/100")
	follow(t, cfg, "nacos:///orders?cluster=a").want(t, "10.0.0.4:1/100", "[fd00::1]:1/100")
	follow(t, cfg, "nacos:///orders?cluster=b,c").want(t, "10.0.0.5:1/1")
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	publish(t, registry, "staging@@DEFAULT_GROUP@@orders", "10.0.0.1:1")
	publish(t, registry, "test@@DEFAULT_GROUP@@orders", "10.0.0.2:2")
	cfg := nacosresolver.Config{Servers: []string{registry.Addr()}, Namespace: "staging"}
	follow(t, cfg, "nacos:///orders").want(t, "10.0.0.1:1/100")
	follow(t, cfg, "nacos:///orders?namespace=test").want(t, "10.0.0.2:2/100")
}

func TestEmptyListKeepsTheLast(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	var log lines
	cfg := nacosresolver.Config{Servers: []string{registry.Addr()}, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	c := follow(t, cfg, "nacos:///orders")
	c.wantError(t, "no usable instance") // never an empty state

	withdraw := publish(t, registry, "orders", "10.0.0.1:1")
	c.want(t, "10.0.0.1:1/100")
	withdraw()
	eventually(t, "the empty list is logged", func() bool { return log.count("keeping the last list") == 1 })

	// An unhealthy one makes it no better, and is not worth another line.
	sick := publish(t, registry, "orders", "10.0.0.1:1", func(i *nacostest.Instance) { i.Healthy = false })
	publish(t, registry, "orders", "10.0.0.2:2")
	c.want(t, "10.0.0.2:2/100")
	sick()
	if n := log.count("keeping the last list"); n != 1 {
		t.Errorf("%d log lines about the empty list, want 1", n)
	}
	if len(c.errs) != 0 {
		t.Errorf("ReportError(%v) after a good list, want none", <-c.errs)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

func TestBuildNamesThePart(t *testing.T) {
	t.Parallel()
	good := nacosresolver.Config{Servers: []string{"127.0.0.1:8848"}}
	for to, want := range map[string]string{
		"nacos:///":                        "service",
		"nacos:///a@@b":                    "service",
		"nacos://10.0.0.1:8848/orders":     `authority "10.0.0.1:8848"`,
		"nacos:///orders?group=":           "parameter group",
		"nacos:///orders?group=a@@b":       "parameter group",
		"nacos:///orders?group=a&group=b":  "parameter group: given more than once",
		"nacos:///orders?grp=a":            "parameter grp: unknown",
		"nacos:///orders?namespace=a%20b":  "parameter namespace",
		"nacos:///orders?cluster=a,,b":     "parameter cluster",
		"nacos:///orders?group=a;cluster=": "parameters",
		"nacos:///orders#x":                "fragment",
	} {
		r, err := nacosresolver.NewBuilder(good).Build(target(t, to), newChannel(), resolver.BuildOptions{})
		if err == nil {
			r.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "nacosresolver: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("Build(%q) = %v, want an error about %s", to, err, want)
		}
	}
	_, err := nacosresolver.NewBuilder(nacosresolver.Config{}).Build(target(t, "nacos:///orders"), newChannel(), resolver.BuildOptions{})
	if err == nil || !strings.Contains(err.Error(), "Config.Servers") {
		t.Errorf("Build() without a server = %v, want an error about Config.Servers", err)
	}
}

// goroutines returns the stacks of goroutines of this module and of the SDK, except for the one that every client of
// the SDK leaves behind (nacos-sdk-go#733).
func goroutines() []string {
	buf := make([]byte, 1<<20)
	var out []string
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if (strings.Contains(stack, "nacos/internal/sdk") || strings.Contains(stack, "nacos/nacosresolver.") ||
			strings.Contains(stack, "nacos-sdk-go")) && !strings.Contains(stack, "PushReceiver") {
			out = append(out, stack)
		}
	}
	return out
}

func TestCloseLeavesNoGoroutine(t *testing.T) { // not parallel: it counts those of the process
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("goroutines left:\n%s", strings.Join(goroutines(), "\n\n"))
		}
	})
	registry := nacostest.Start(t)
	publish(t, registry, "orders", "10.0.0.1:1")
	for range 3 {
		c := newChannel()
		r, err := nacosresolver.NewBuilder(nacosresolver.Config{Servers: []string{registry.Addr()}}).
			Build(target(t, "nacos:///orders"), c, resolver.BuildOptions{})
		if err != nil {
			t.Fatalf("Build() = %v, want nil", err)
		}
		c.want(t, "10.0.0.1:1/100")
		r.ResolveNow(resolver.ResolveNowOptions{})
		r.Close()
	}
	eventually(t, "the registry sees no connection", func() bool { return registry.Connections() == 0 })
	// The SDK ends a moment after its connection.
	eventually(t, "no goroutine is left", func() bool { return len(goroutines()) == 0 })
}
