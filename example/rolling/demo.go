// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// demo is one run of the program: a registry, and a player for each strategy.
type demo struct {
	command  *command
	registry []*nacostest.Server // nodes; none with -nacos
	dir      string              // logs and reports of the backends
	progress *progress
}

func newDemo(c *command, stderr io.Writer) (*demo, error) {
	d := &demo{command: c, progress: &progress{out: stderr, began: time.Now()}}
	var err error
	if d.dir, err = os.MkdirTemp("", "lameduck-rolling-"); err != nil {
		return nil, err
	}
	if c.nacos == "" && c.through == "" {
		if d.registry, err = nacostest.NewCluster(c.nodes, nacostest.Options{}); err != nil {
			return nil, errors.Join(err, os.RemoveAll(d.dir))
		}
	}
	return d, nil
}

// close ends the registry and removes the backends' logs, unless something went wrong.
func (d *demo) close(keepLogs bool) {
	for _, node := range d.registry {
		node.Close()
	}
	if keepLogs {
		d.progress.line("the backends' logs and reports are in %s", d.dir)
		return
	}
	_ = os.RemoveAll(d.dir)
}

// run plays the strategies, lane beside lane, and returns their results in the order of the table.
func (d *demo) run(ctx context.Context) ([]result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var results []result
	var running sync.WaitGroup
	for _, lane := range lanes(d.command.strategies) {
		running.Go(func() {
			for _, strategy := range lane {
				result, err := runPlayer(ctx, d.part(strategy), d.progress)
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
	slices.SortFunc(results, func(a, b result) int { return a.Strategy.index() - b.Strategy.index() })
	return results, nil
}

// part is what the player of a strategy has to know.
func (d *demo) part(strategy Strategy) part {
	p := part{
		Strategy: strategy, Nodes: []string{d.command.nacos}, Replicas: d.command.replicas, HAProxy: d.command.haproxy, Dir: d.dir, Began: d.progress.began,
		Duration: d.command.duration(), Rate: d.command.rate, Seed: d.command.seed,
	}
	if len(d.registry) > 0 {
		p.Nodes = nil
	}
	for _, node := range d.registry {
		p.Nodes = append(p.Nodes, node.Addr())
	}
	if len(d.registry) == 1 {
		settle := oneNodeSettle
		p.Settle = &settle
	}
	return p
}
