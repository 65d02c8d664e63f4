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
	if p.HAProxy != "" {
		return playThrough(ctx, p, progress)
	}
	s := spec{Strategy: p.Strategy, Settle: p.Settle}
	s.Service.Name = fmt.Sprintf("lameduck-rolling-%s-%08x", p.Strategy, rand.Uint32())
	loads := newLoads()
	r := &rollout{
		spec: s, nodes: map[string]*naming.Listing{}, dir: p.Dir, ports: newPorts(p.Strategy),
		backends: backends{running: make([]*process, p.Replicas)}, random: rand.New(rand.NewPCG(p.Seed, 0)),
		report: func(e event) { progress.restart(p.Strategy, e, loads.counts()) },
	}
	defer func() { err = errors.Join(err, r.end()) }()
	if err := r.begin(ctx, p.Nodes); err != nil {
		return result{}, err
	}
	if err := loads.begin(ctx, p, s); err != nil {
		return result{}, err
	}
	err = restarts(ctx, p, r.roll)
	counts, closed := loads.end()
	if err := errors.Join(err, closed); err != nil {
		return result{}, err
	}
	res := result{Strategy: p.Strategy, Counts: counts, Exits: r.exits, Problems: r.problems}
	progress.done(res)
	return res, nil
}

// restartsLeast is how many restarts there are in any case.
const restartsLeast = 6

// restarts rolls the backends over: in new places, in the same ones, and so on until the time is used. One backend that
// is alone has its successor first, on a new port; or, to show what that is for, not.
func restarts(ctx context.Context, p part, roll func(ctx context.Context, samePlace bool) error) error {
	end := time.Now().Add(p.Duration)
	if err := pause(ctx, lead); err != nil {
		return err
	}
	for round := 0; round*p.Replicas < restartsLeast || time.Now().Before(end); round++ {
		samePlace := round%2 == 1
		if p.Replicas == 1 {
			samePlace = p.Strategy == Recreate
		}
		if err := roll(ctx, samePlace); err != nil {
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
