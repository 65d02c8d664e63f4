// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// behind restarts the backends of one strategy behind a balancer, one after the other.
type behind struct {
	backends // what runs, and what came of it

	balancer *balancer
	spec     spec // of every backend, without its own ID and server
	dir      string
	random   *rand.Rand
	report   func(event)
	places   []int // the server of the balancer that each backend is
}

func (r *behind) begin(ctx context.Context) error {
	for i := range r.running {
		p, err := r.start(ctx, i)
		if err != nil {
			return err
		}
		r.running[i], r.places[i] = p, i
	}
	return nil
}

// roll restarts every backend once, in random order: its successor first, in the place that is free, or in its own
// place when it has gone.
func (r *behind) roll(ctx context.Context, samePlace bool) error {
	for _, i := range r.random.Perm(len(r.running)) {
		old := r.running[i]
		r.report(event{backend: i + 1, of: len(r.running), samePort: samePlace, addr: old.addr})
		if samePlace {
			if err := r.stop(ctx, old); err != nil {
				return err
			}
		}
		place := r.places[i]
		if !samePlace {
			place = r.free()
		}
		next, err := r.start(ctx, place)
		if err != nil {
			return err
		}
		r.running[i], r.places[i] = next, place
		if !samePlace {
			if err := r.stop(ctx, old); err != nil {
				return err
			}
		}
	}
	return nil
}

// free is the server that no backend is.
func (r *behind) free() int {
	for n := range r.balancer.servers {
		if !slices.Contains(r.places, n) {
			return n
		}
	}
	return 0
}

// start runs a backend as server n and waits until the balancer sends calls to it.
func (r *behind) start(ctx context.Context, n int) (*process, error) {
	s := r.spec
	r.started++
	s.ID = fmt.Sprintf("%s-%d", s.Strategy, r.started)
	s.Report = fmt.Sprintf("%s/%s.json", r.dir, s.ID)
	s.Record = fmt.Sprintf("%s/%s%s", r.dir, recordPrefix, s.ID)
	s.Socket, s.Server, s.Listen = r.balancer.socket, serverName(n), r.balancer.servers[n]
	p, err := startProcess(ctx, s, r.dir)
	if err != nil {
		return nil, err
	}
	if err := r.balancer.await(ctx, "backend "+s.ID+" is not up", func() bool { return r.balancer.isUp(n) }); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// playThrough measures one strategy behind a balancer.
func playThrough(ctx context.Context, p part, progress *progress) (_ result, err error) {
	ports := newPorts(p.Strategy)
	b, err := startBalancer(ctx, p.HAProxy, fmt.Sprintf("%s/haproxy-%s.log", p.Dir, p.Strategy), ports, p.Replicas+1)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	loads := newLoads()
	r := &behind{
		backends: backends{running: make([]*process, p.Replicas)}, balancer: b, spec: spec{Strategy: p.Strategy}, dir: p.Dir,
		random: rand.New(rand.NewPCG(p.Seed, 0)), places: make([]int, p.Replicas),
		report: func(e event) { progress.restart(p.Strategy, e, loads.counts()) },
	}
	defer r.kill()
	if err := r.begin(ctx); err != nil {
		return result{}, err
	}
	if err := loads.beginThrough(ctx, p, b.front); err != nil {
		return result{}, err
	}
	err = restarts(ctx, p, r.roll)
	counts, closed := loads.end()
	if err := errors.Join(err, closed); err != nil {
		return result{}, err
	}
	twice, err := countTwice(p.Dir, p.Strategy)
	if err != nil {
		return result{}, err
	}
	res := result{Strategy: p.Strategy, Counts: counts, Twice: twice, Exits: r.exits, Problems: r.problems}
	progress.done(res)
	return res, nil
}
