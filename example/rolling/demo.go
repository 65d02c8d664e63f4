// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/lameduck-go/lameduck/example/internal/load"
	"github.com/lameduck-go/lameduck/example/internal/naming"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

const (
	// lead and tail are how long the load runs before the first restart and after the last one.
	lead, tail = time.Second, time.Second
	// openStreams is how many long streams there are at any time.
	openStreams = 8
)

// demo is one run of the program.
type demo struct {
	command  *command
	registry *nacostest.Server // nil with -nacos
	dir      string            // logs and reports of the backends
	ports    *ports
	progress progress
}

// result is what one strategy came to.
type result struct {
	strategy Strategy
	counts   map[load.Kind]load.Counts
	exits    []time.Duration
	problems []error
}

func newDemo(c *command, stderr io.Writer) (*demo, error) {
	d := &demo{command: c, ports: newPorts(), progress: progress{out: stderr, began: time.Now()}}
	var err error
	if d.dir, err = os.MkdirTemp("", "lameduck-rolling-"); err != nil {
		return nil, err
	}
	if c.nacos == "" {
		if d.registry, err = nacostest.NewServer(nacostest.Options{}); err != nil {
			return nil, errors.Join(err, os.RemoveAll(d.dir))
		}
	}
	return d, nil
}

// close ends the registry and removes the backends' logs, unless something went wrong.
func (d *demo) close(keepLogs bool) {
	if d.registry != nil {
		d.registry.Close()
	}
	if keepLogs {
		d.progress.line("the backends' logs and reports are in %s", d.dir)
		return
	}
	_ = os.RemoveAll(d.dir)
}

// run plays the strategies, lane beside lane, and returns their results in the order of the command line.
func (d *demo) run(ctx context.Context) ([]result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var results []result
	var running sync.WaitGroup
	for _, lane := range lanes(d.command.strategies) {
		running.Go(func() {
			for _, strategy := range lane {
				result, err := d.play(ctx, strategy)
				if err != nil {
					cancel(fmt.Errorf("%s: %w", strategy, err))
					return
				}
				mu.Lock()
				results = append(results, result)
				mu.Unlock()
			}
		})
	}
	running.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	slices.SortFunc(results, func(a, b result) int {
		return slices.Index(strategies, a.strategy) - slices.Index(strategies, b.strategy)
	})
	return results, nil
}

// play measures one strategy: backends, loads, restarts.
func (d *demo) play(ctx context.Context, strategy Strategy) (_ result, err error) {
	s := spec{Strategy: strategy, Nacos: d.command.nacos}
	s.Service.Name = fmt.Sprintf("lameduck-rolling-%s-%08x", strategy, rand.Uint32())
	if d.registry != nil {
		s.Nacos = d.registry.Addr()
		settle := oneNodeSettle
		s.Settle = &settle
	}
	listing, err := naming.Subscribe(s.Nacos, s.Service)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, listing.Close()) }()
	loads := newLoads()
	r := &rollout{
		spec: s, dir: d.dir, ports: d.ports, listing: listing,
		random: rand.New(rand.NewPCG(d.command.seed, 0)),
		report: func(e event) { d.progress.restart(strategy, e, loads.counts()) },
	}
	defer r.end()
	if err := r.begin(ctx); err != nil {
		return result{}, err
	}
	if err := loads.begin(ctx, d.command, s); err != nil {
		return result{}, err
	}
	err = d.restarts(ctx, r)
	counts, closed := loads.end()
	if err := errors.Join(err, closed); err != nil {
		return result{}, err
	}
	res := result{strategy: strategy, counts: counts, exits: r.exits, problems: r.problems}
	d.progress.done(res)
	return res, nil
}

// restarts rolls the backends over: on new ports, on the same ports, and so on until the time is used.
func (d *demo) restarts(ctx context.Context, r *rollout) error {
	end := time.Now().Add(d.command.duration())
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
