// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"math/rand/v2"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/example/internal/naming"
)

// fresh dials a random listed instance for each call and hangs up afterwards, as short-lived programs do.
type fresh struct {
	listing *naming.Listing // nil: there is a balancer
	target  string

	mu     sync.Mutex
	random *rand.Rand
}

func openFresh(cfg Config) (*fresh, error) {
	if cfg.Target != "" {
		return &fresh{target: cfg.Target}, nil
	}
	listing, err := naming.Subscribe(cfg.Nacos, cfg.Service)
	if err != nil {
		return nil, err
	}
	return &fresh{listing: listing, random: rand.New(rand.NewPCG(cfg.Seed, 2))}, nil
}

func (f *fresh) call(ctx context.Context) error {
	addr := f.target
	if addr == "" {
		instances := f.listing.Instances()
		if len(instances) == 0 {
			return status.Error(codes.Unavailable, errNoInstance.Error())
		}
		addr = instances[f.choose(len(instances))].Addr
	}
	conn, err := dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	return unary(ctx, conn)
}

func (f *fresh) choose(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random.IntN(n)
}

func (f *fresh) Close() error {
	if f.listing == nil {
		return nil
	}
	return f.listing.Close()
}
