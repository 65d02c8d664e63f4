// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// The rows of the table of absences in which the absence is not confirmed, in its order.

func TestWithdrawingCopyOfDeadNodeIsUnconfirmed(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		p.registry.set(func() { p.registry.others = []sdk.Instance{p.self} }) // nothing of ours removes it
		began := time.Now()
		err := p.deregister()
		var more interface {
			Unconfirmed() bool
			Refused() bool
		}
		if !errors.As(err, &more) || !more.Unconfirmed() || more.Refused() || !errors.Is(err, ErrUnconfirmed) {
			t.Fatalf("Deregister() = %v, want an error with Unconfirmed() true and Refused() false", err)
		}
		if errors.Is(err, ErrSecondOwner) || !strings.Contains(err.Error(), "registry node that has died") {
			t.Errorf("Deregister() = %q, want it to name the copy of a dead node", err)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("Deregister() took %v, want at most 5 s", d)
		}
		if n := p.registry.count("deregister"); n != 2 {
			t.Errorf("%d deregistrations, want 2", n)
		}
	})
}

func TestWithdrawingSecondOwnerIsNamed(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		kratos := sdk.Instance{Ip: "10.0.0.7", Port: 9090, ClusterName: "DEFAULT", Weight: 100, Metadata: map[string]string{"kind": "grpc"}}
		p.registry.set(func() { p.registry.others = []sdk.Instance{kratos} })
		err := p.deregister()
		if !errors.Is(err, ErrSecondOwner) || !errors.Is(err, ErrUnconfirmed) {
			t.Fatalf("Deregister() = %v, want ErrSecondOwner and ErrUnconfirmed", err)
		}
		for _, part := range []string{"10.0.0.7:9090", "orders", "weight 100", "kind:grpc"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("Deregister() = %q, want it to name %q", err, part)
			}
		}
	})
}

// In another cluster it is an entry of its own, with our address all the same.
func TestWithdrawingSecondOwnerInAnotherCluster(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		other := sdk.Instance{Ip: "10.0.0.7", Port: 9090, ClusterName: "old", Weight: 1}
		p.registry.set(func() { p.registry.others = []sdk.Instance{other} })
		p.register()
		time.Sleep(time.Hour)
		if err := p.deregister(); !errors.Is(err, ErrSecondOwner) || !strings.Contains(err.Error(), "cluster old") {
			t.Errorf("Deregister() = %v, want ErrSecondOwner in cluster old", err)
		}
	})
}

func TestWithdrawingRegistryAway(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		p.registry.set(func() { p.registry.away = true })
		err := p.deregister()
		if !errors.Is(err, ErrUnconfirmed) || !errors.Is(err, errAway) {
			t.Errorf("Deregister() = %v, want ErrUnconfirmed and the registry's error", err)
		}
	})
}

func TestWithdrawingRegistryFrozen(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		p.register()
		time.Sleep(time.Hour)
		p.registry.set(func() { p.registry.frozen = true })
		began := time.Now()
		err := p.deregister()
		if !errors.Is(err, ErrUnconfirmed) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("Deregister() = %v after %v, want ErrUnconfirmed and deadline exceeded after 5 s", err, time.Since(began))
		}
		p.registry.set(func() { p.registry.frozen = false })
	})
}
