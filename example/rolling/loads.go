// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"sync"

	"github.com/lameduck-go/lameduck/example/internal/load"
)

// openStreams is how many long streams there are at any time.
const openStreams = 8

// loads are the six kinds of clients of one strategy, on every node. begin and end are called once each; counts at any
// time.
type loads struct {
	mu      sync.Mutex
	running []*load.Load
	kinds   []load.Kind
	stop    context.CancelFunc
	work    sync.WaitGroup
}

func newLoads() *loads { return &loads{stop: func() {}} }

// begin starts every kind of client on every node.
func (l *loads) begin(ctx context.Context, p part, s spec) error {
	var configs []load.Config
	share := len(p.Nodes)
	for i, kind := range load.Kinds() {
		for n, node := range p.Nodes {
			configs = append(configs, load.Config{
				Kind: kind, Nacos: node, Service: s.Service,
				Rate: p.Rate / float64(share), Streams: openStreams / share, Seed: p.Seed + uint64(i+n*len(load.Kinds())),
			})
		}
	}
	return l.start(ctx, configs)
}

// beginThrough starts the kinds of client that there are behind a balancer.
func (l *loads) beginThrough(ctx context.Context, p part, front string) error {
	var configs []load.Config
	for i, kind := range load.ThroughKinds() {
		configs = append(configs, load.Config{Kind: kind, Target: front, Rate: p.Rate, Streams: openStreams, Seed: p.Seed + uint64(i)})
	}
	return l.start(ctx, configs)
}

func (l *loads) start(ctx context.Context, configs []load.Config) error {
	ctx, l.stop = context.WithCancel(ctx)
	for _, cfg := range configs {
		one, err := load.Open(cfg)
		if err != nil {
			_, closed := l.end()
			return errors.Join(err, closed)
		}
		l.mu.Lock()
		l.running, l.kinds = append(l.running, one), append(l.kinds, cfg.Kind)
		l.mu.Unlock()
		l.work.Go(func() { one.Run(ctx) })
	}
	return nil
}

// end stops new calls, waits for those under way, and returns what each kind has seen.
func (l *loads) end() (map[load.Kind]load.Counts, error) {
	l.stop()
	l.work.Wait()
	counts := make(map[load.Kind]load.Counts, len(l.kinds))
	var errs []error
	for i, one := range l.running {
		counts[l.kinds[i]] = counts[l.kinds[i]].Add(one.Counts())
		errs = append(errs, one.Close())
	}
	return counts, errors.Join(errs...)
}

// counts returns the sum over all kinds so far.
func (l *loads) counts() load.Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	var sum load.Counts
	for _, one := range l.running {
		sum = sum.Add(one.Counts())
	}
	return sum
}
