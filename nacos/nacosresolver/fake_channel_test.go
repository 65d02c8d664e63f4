// SPDX-License-Identifier: Apache-2.0

package nacosresolver_test

import (
	"fmt"
	"slices"
	"strings"
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
