// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/lameduck-go/lameduck/example/internal/naming"
)

// backends is how many backends there are at any time.
const backends = 3

// rollout restarts the backends of one strategy, one after the other.
type rollout struct {
	spec    spec // of every backend, without its own ID and addresses
	dir     string
	ports   *ports
	listing *naming.Listing
	random  *rand.Rand
	report  func(event)

	running  [backends]*process
	started  int
	exits    []time.Duration
	problems []string // exits that were not clean
}

// event is a restart that begins.
type event struct {
	backend  int // from 1
	samePort bool
	addr     string
}

// begin starts the backends.
func (r *rollout) begin(ctx context.Context) error {
	for i := range r.running {
		p, err := r.start(ctx, "")
		if err != nil {
			return err
		}
		r.running[i] = p
	}
	return nil
}

// roll restarts every backend once, in random order: with replacements on new ports, or on the same ones.
func (r *rollout) roll(ctx context.Context, samePort bool) error {
	restart := r.onNewPort
	if samePort {
		restart = r.onSamePort
	}
	for _, i := range r.random.Perm(backends) {
		r.report(event{backend: i + 1, samePort: samePort, addr: r.running[i].addr})
		if err := restart(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// onNewPort starts the replacement first, as a rolling update with a surge does.
func (r *rollout) onNewPort(ctx context.Context, i int) error {
	next, err := r.start(ctx, "")
	if err != nil {
		return err
	}
	old := r.running[i]
	r.running[i] = next
	return r.stop(ctx, old)
}

// onSamePort starts the replacement when the old process has ended and its entry has left the list, as a supervisor
// that pauses between two starts does. (An entry says nothing of the process behind it: r-nacos keeps the metadata that
// an address had first.)
func (r *rollout) onSamePort(ctx context.Context, i int) error {
	old := r.running[i]
	if err := r.stop(ctx, old); err != nil {
		return err
	}
	if err := r.awaitList(ctx, "backend "+old.addr+" is still listed", func(listed bool) bool { return !listed }, old.addr); err != nil {
		return err
	}
	next, err := r.start(ctx, old.addr)
	if err != nil {
		return err
	}
	r.running[i] = next
	return nil
}

// start runs a backend on addr, or on a port of its own when addr is empty, and waits until it is listed.
func (r *rollout) start(ctx context.Context, addr string) (*process, error) {
	s := r.spec
	r.started++
	s.ID = fmt.Sprintf("%s-%d", s.Strategy, r.started)
	s.Report = fmt.Sprintf("%s/%s.json", r.dir, s.ID)
	s.Listen = addr
	if addr == "" {
		var err error
		if s.Listen, err = r.ports.next(); err != nil {
			return nil, err
		}
	}
	p, err := startProcess(ctx, s, r.dir)
	if err != nil {
		return nil, err
	}
	if err := r.awaitList(ctx, "backend "+s.ID+" is not listed", func(listed bool) bool { return listed }, p.addr); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// awaitList blocks until the list has addr as wanted; problem is what the error says when that takes too long.
func (r *rollout) awaitList(ctx context.Context, problem string, wanted func(listed bool) bool, addr string) error {
	limit, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("%s after %v", problem, startLimit))
	defer cancel()
	return r.listing.Wait(limit, func(instances []naming.Instance) bool {
		return wanted(slices.ContainsFunc(instances, func(instance naming.Instance) bool { return instance.Addr == addr }))
	})
}

func (r *rollout) stop(ctx context.Context, p *process) error {
	took, err := p.stop(ctx)
	if errors.Is(err, errStatus) {
		r.problems = append(r.problems, err.Error())
		err = nil
	}
	if err == nil {
		r.exits = append(r.exits, took)
	}
	return err
}

// end kills what still runs.
func (r *rollout) end() {
	for _, p := range r.running {
		if p != nil {
			p.kill()
		}
	}
}
