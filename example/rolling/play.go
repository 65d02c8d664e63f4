// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/lameduck-go/lameduck/example/internal/naming"
)

// lead and tail are how long the load runs before the first restart and after the last one.
const lead, tail = time.Second, time.Second

// play measures one strategy: backends, loads, restarts.
func play(ctx context.Context, p part, progress *progress) (_ result, err error) {
	s := spec{Strategy: p.Strategy, Nacos: p.Nacos, Settle: p.Settle}
	s.Service.Name = fmt.Sprintf("lameduck-rolling-%s-%08x", p.Strategy, rand.Uint32())
	listing, err := naming.Subscribe(s.Nacos, s.Service)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, listing.Close()) }()
	loads := newLoads()
	r := &rollout{
		spec: s, dir: p.Dir, ports: newPorts(p.Strategy), listing: listing,
		random: rand.New(rand.NewPCG(p.Seed, 0)),
		report: func(e event) { progress.restart(p.Strategy, e, loads.counts()) },
	}
	defer r.end()
	if err := r.begin(ctx); err != nil {
		return result{}, err
	}
	if err := loads.begin(ctx, p, s); err != nil {
		return result{}, err
	}
	err = restarts(ctx, p, r)
	counts, closed := loads.end()
	if err := errors.Join(err, closed); err != nil {
		return result{}, err
	}
	res := result{Strategy: p.Strategy, Counts: counts, Exits: r.exits, Problems: r.problems}
	progress.done(res)
	return res, nil
}

// restarts rolls the backends over: on new ports, on the same ports, and so on until the time is used.
func restarts(ctx context.Context, p part, r *rollout) error {
	end := time.Now().Add(p.Duration)
	if err := pause(ctx, lead); err != nil {
		return err
	}
	for round := 0; round < 2 || time.Now().Before(end); round++ {
		if err := r.roll(ctx, round%2 == 1); err != nil {
			return err
		}
	}
	return pause(ctx, tail)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
