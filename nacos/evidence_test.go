// SPDX-License-Identifier: Apache-2.0

package nacos_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// closedPort is an address on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// portOf is the last part of "host:port".
func portOf(t *testing.T, addr string) uint64 {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(a.Port)
}

// withoutHTTP reaches the registry by gRPC only, as where a firewall has been told of one of the two ports.
func withoutHTTP(t *testing.T, registry *nacostest.Server) nacos.Config {
	return nacos.Config{Servers: []string{closedPort(t)}, Timeout: time.Second, Customize: func(p *vo.NacosClientParam) {
		p.ServerConfigs[0].GrpcPort = portOf(t, registry.Addr()) + 1000
	}}
}

func unproven(err error) bool {
	e, ok := errors.AsType[interface {
		error
		Unproven() bool
	}](err)
	return ok && e.Unproven()
}

// What is missing must not make every exit unconfirmed: an absence that was pushed is one. What it leaves open, Gone
// says.
func TestConfirmedWithLessThanEverything(t *testing.T) {
	t.Parallel()
	nodes := nacostest.StartCluster(t, 3)
	alone := nacostest.Start(t)
	moved := nacostest.Start(t, nacostest.Options{WithoutV1: true})
	nodes[2].Kill()
	for name, test := range map[string]struct {
		cfg      nacos.Config
		unproven string
	}{
		"one dead node of three": {nacos.Config{Servers: []string{nodes[0].Addr(), nodes[1].Addr(), nodes[2].Addr()}}, nodes[2].Addr()},
		"a closed HTTP port":     {withoutHTTP(t, alone), "connection refused"},
		"3.x without the v1 API": {nacos.Config{Servers: []string{moved.Addr()}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := registered(t, newRegistrarWith(t, test.cfg, nacos.Instance{Service: "orders"}))
			if err := r.Deregister(within(t, patience)); err != nil {
				t.Errorf("Deregister() = %v, want nil", err)
			}
			// A node that has not heard yet lists it rightly.
			var err error
			eventually(t, "no node lists it", func() bool { err = r.Gone(within(t, patience)); return err == nil || unproven(err) })
			if (err != nil) != (test.unproven != "") || err != nil && !strings.Contains(err.Error(), test.unproven) {
				t.Errorf("Gone() = %v, want unproven because of %q", err, test.unproven)
			}
		})
	}
}

// Our node has lost sight of another one, which lists us still.
func TestGoneNamesTheNodeThatListsUs(t *testing.T) {
	t.Parallel()
	nodes := nacostest.StartCluster(t, 2, nacostest.Options{SyncDelay: time.Hour})
	r := newRegistrarWith(t, nacos.Config{Servers: []string{nodes[0].Addr(), nodes[1].Addr()}}, nacos.Instance{Service: "orders"})
	if err := r.Gone(within(t, patience)); err != nil {
		t.Errorf("Gone() before Register = %v, want nil", err)
	}
	if err := r.Register(within(t, patience), listener); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	other := nodes[0]
	if other.Connections() > 0 {
		other = nodes[1]
	}
	withdraw, err := other.Publish("orders", ours)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Deregister(within(t, patience)); err != nil {
		t.Fatalf("Deregister() = %v, want nil: our node has shown the absence", err)
	}
	if err := r.Gone(within(t, patience)); err == nil || unproven(err) || !strings.Contains(err.Error(), other.Addr()) || !strings.Contains(err.Error(), ours) {
		t.Errorf("Gone() = %v, want that %s lists %s", err, other.Addr(), ours)
	}
	other.Freeze()
	if err := r.Gone(within(t, patience)); !unproven(err) || !strings.Contains(err.Error(), other.Addr()) {
		t.Errorf("Gone() while %s is frozen = %v, want unproven because of it", other.Addr(), err)
	}
	other.Thaw()
	withdraw()
	eventually(t, "gone everywhere", func() bool { return r.Gone(within(t, patience)) == nil })
}

// Who was never heard of has published nothing.
func TestDeregisterWithoutAConnection(t *testing.T) {
	t.Parallel()
	r := newRegistrarWith(t, nacos.Config{Timeout: time.Second, Servers: []string{closedPort(t)}}, nacos.Instance{Service: "orders"})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := r.Register(ctx, listener); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("Register() = %v, want connection refused", err)
	}
	if err := r.Deregister(within(t, patience)); err != nil {
		t.Errorf("Deregister() = %v, want nil", err)
	}
	if got := r.Published(); got != "" {
		t.Errorf("Published() = %q, want nothing", got)
	}
}

// An empty list of a subscription that is lost is no evidence where the open list cannot be read either: a new
// connection is.
func TestBlindSubscriptionConfirmsNothing(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	r := registered(t, newRegistrarWith(t, withoutHTTP(t, registry), nacos.Instance{Service: "orders"}))
	if _, err := registry.Publish("orders", ours, func(i *nacostest.Instance) { i.Cluster = "other" }); err != nil {
		t.Fatal(err)
	}
	registry.LoseSubscription("orders", ours)
	eventually(t, "our view is empty", func() bool { return !r.Shown() })
	err := r.Deregister(within(t, patience))
	if !errors.Is(err, nacos.ErrSecondOwner) || !errors.Is(err, nacos.ErrUnconfirmed) {
		t.Errorf("Deregister() = %v, want ErrSecondOwner: another client has published the address", err)
	}
}

// A refusal in other words than those of rights is answered with patience, not with the SDK's endless repetition.
func TestRefusedRegistrationBacksOff(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	registry.FailNext(nacostest.ErrorResponse, -1, nacostest.Register)
	r := newRegistrar(t, registry, nacos.Instance{Service: "orders"})
	err := r.Register(within(t, 8*time.Second), listener)
	if err == nil || !strings.Contains(err.Error(), "failure ordered by the test") {
		t.Errorf("Register() = %v, want the registry's words", err)
	}
	if n := registry.Requests(nacostest.Register); n > 25 {
		t.Errorf("%d requests in 8 s, want at most 25: three for an attempt, with growing pauses", n)
	}
	registry.FailNext(nacostest.ErrorResponse, 0, nacostest.Register)
	if err := r.Register(within(t, patience), listener); err != nil {
		t.Errorf("Register() = %v, want nil", err)
	}
}

func TestLoopbackIsSaid(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	for where, warns := range map[string]bool{":0": hasOtherAddresses(t), "127.0.0.1:0": false} {
		var log lines
		r := newRegistrarWith(t, nacos.Config{Servers: []string{registry.Addr()}, Logger: log.logger()}, nacos.Instance{Service: "orders"})
		lis, err := net.Listen("tcp", where)
		if err != nil {
			t.Fatal(err)
		}
		defer lis.Close()
		if err := r.Register(within(t, patience), lis.Addr()); err != nil {
			t.Fatalf("Register() = %v, want nil", err)
		}
		if n := log.count("a loopback address is published"); (n == 1) != warns {
			t.Errorf("listener on %q: %d lines about the loopback address, want one: %t", where, n, warns)
		}
		if got := r.Published(); !strings.HasPrefix(got, "127.0.0.1:") {
			t.Errorf("Published() = %q, want 127.0.0.1", got)
		}
	}
}

func hasOtherAddresses(t *testing.T) bool {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			return true
		}
	}
	return false
}

func TestUnknownNamespaceIsSaid(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t, nacostest.Options{Namespaces: []string{"staging"}})
	for namespace, want := range map[string]int{"staging": 0, "stagin": 1, "": 0} {
		var log lines
		r := newRegistrarWith(t, nacos.Config{Servers: []string{registry.Addr()}, Namespace: namespace, Logger: log.logger()},
			nacos.Instance{Service: "orders"})
		for range 2 {
			if err := r.Register(within(t, patience), listener); err != nil {
				t.Fatalf("Register() = %v, want nil", err)
			}
		}
		if err := r.Close(); err != nil { // waits for the question
			t.Errorf("Close() = %v, want nil", err)
		}
		if n := log.count("nobody has created this namespace"); n != want {
			t.Errorf("namespace %q: %d lines, want %d", namespace, n, want)
		}
	}
}
