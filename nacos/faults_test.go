// SPDX-License-Identifier: Apache-2.0

package nacos_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func TestSecondOwner(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	r := registered(t, newRegistrar(t, registry, nacos.Instance{Service: "orders"}))
	withdraw, err := registry.Publish("orders", ours, func(i *nacostest.Instance) { i.Metadata = map[string]string{"kind": "grpc"} })
	if err != nil {
		t.Fatal(err)
	}
	err = r.Deregister(within(t, patience))
	if !errors.Is(err, nacos.ErrSecondOwner) || !errors.Is(err, nacos.ErrUnconfirmed) ||
		!strings.Contains(err.Error(), ours) || !strings.Contains(err.Error(), "kind:grpc") {
		t.Errorf("Deregister() = %v, want ErrSecondOwner that names %s and kind:grpc", err, ours)
	}
	withdraw()
	if err := r.Deregister(within(t, patience)); err != nil {
		t.Errorf("Deregister() without the second owner = %v, want nil", err)
	}
}

func TestDeregisterIgnored(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int{"once: a second deregister cures it": 1, "always: the end of the connection does": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := nacostest.Start(t)
			r := registered(t, newRegistrar(t, registry, nacos.Instance{Service: "orders"}))
			registry.FailNext(nacostest.Ignored, n, nacostest.Deregister)
			if err := r.Deregister(within(t, patience)); err != nil {
				t.Errorf("Deregister() = %v, want nil", err)
			}
			wantAbsent(t, registry, "orders", ours)
		})
	}
}

// What may not be taken back goes with its connection.
func TestDeregisterRefused(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	r := registered(t, newRegistrar(t, registry, nacos.Instance{Service: "orders"}))
	registry.FailNext(nacostest.Forbidden, -1, nacostest.Deregister)
	if err := r.Deregister(within(t, patience)); err != nil {
		t.Errorf("Deregister() = %v, want nil", err)
	}
	wantAbsent(t, registry, "orders", ours)
}

func TestEverythingRefused(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	r := registered(t, newRegistrar(t, registry, nacos.Instance{Service: "orders"}))
	registry.FailNext(nacostest.Forbidden, -1)
	err := r.Deregister(within(t, patience))
	var more interface {
		Refused() bool
		Unconfirmed() bool
	}
	if !errors.As(err, &more) || !more.Refused() || !more.Unconfirmed() || !errors.Is(err, nacos.ErrRefused) {
		t.Errorf("Deregister() = %v, want ErrRefused with Refused() and Unconfirmed() true", err)
	}
	eventually(t, "the end of the connection removes it", func() bool { return len(registry.Instances("orders")) == 0 })
}

func TestRegistrationLost(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	r := registered(t, newRegistrar(t, registry, nacos.Instance{Service: "orders"}))
	reports := watch(t, r)
	wantReport(t, reports, true)
	registry.LoseRegistration("orders", ours)
	wantAbsent(t, registry, "orders", ours)
	eventually(t, "listed again", func() bool {
		i, ok := published(t, registry, "orders", ours)
		return ok && i.Listed
	})
	wantSilence(t, reports)
}

func TestSubscriptionLost(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	r := registered(t, newRegistrar(t, registry, nacos.Instance{Service: "orders"}))
	reports := watch(t, r)
	wantReport(t, reports, true)
	registry.LoseSubscription("orders", ours)
	eventually(t, "a new connection takes over", func() bool {
		wantListed(t, registry, "orders", ours)
		return registry.Connections() == 2
	})
	eventually(t, "the old connection ends", func() bool { return registry.Connections() == 1 })
	wantSilence(t, reports)
	wantListed(t, registry, "orders", ours)
	registry.SetEnabled("orders", ours, false) // the new view works
	wantReport(t, reports, false)
}

func TestOperatorsEditIsLoggedOnce(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	var log lines
	r := registered(t, newRegistrarWith(t, nacos.Config{Servers: []string{registry.Addr()}, Logger: log.logger()}, nacos.Instance{Service: "orders"}))
	if err := r.Update(within(t, patience), map[string]string{"zone": "a"}, 4); err != nil {
		t.Fatalf("Update() = %v, want nil", err)
	}
	if i := wantListed(t, registry, "orders", ours); i.Weight != 4 || i.Metadata["zone"] != "a" {
		t.Errorf("listed as %+v after Update, want weight 4 and zone a", i)
	}
	if n := log.count("shows other values than ours"); n != 0 {
		t.Errorf("%d log lines about other values after an update, want none", n)
	}
	registry.SetWeight("orders", ours, 9)
	eventually(t, "the edit is logged", func() bool { return log.count("shows other values than ours") == 1 })
	registry.SetWeight("orders", ours, 8)
	if _, err := registry.Publish("orders", "10.0.0.9:1"); err != nil { // another list
		t.Fatal(err)
	}
	if err := r.Deregister(within(t, patience)); err != nil {
		t.Errorf("Deregister() = %v, want nil", err)
	}
	if n := log.count("shows other values than ours"); n != 1 {
		t.Errorf("%d log lines about the edit, want 1", n)
	}
}

func TestStaleCopyOfADeadNode(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes 20 s")
	}
	nodes := nacostest.StartCluster(t, 2, nacostest.Options{})
	r := registered(t, newRegistrar(t, nodes[0], nacos.Instance{Service: "orders"}))
	eventually(t, "the other node lists it", func() bool {
		i, ok := published(t, nodes[1], "orders", ours)
		return ok && i.Listed
	})
	nodes[0].Kill()
	err := r.Deregister(within(t, patience))
	if !errors.Is(err, nacos.ErrUnconfirmed) {
		t.Errorf("Deregister() = %v, want ErrUnconfirmed", err)
	}
	wantListed(t, nodes[1], "orders", ours)
}
