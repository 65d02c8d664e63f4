// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/lameduck-go/lameduck/example/internal/naming"
)

// rollout restarts the backends of one strategy, one after the other.
type rollout struct {
	spec   spec // of every backend, without its own ID, node and addresses
	nodes  map[string]*naming.Listing
	order  []string // of the nodes
	dir    string
	ports  *ports
	random *rand.Rand
	report func(event)

	backends
}

// event is a restart that begins.
type event struct {
	backend  int // from 1
	of       int
	samePort bool
	addr     string
}

// begin follows the list of each node and starts the backends. It returns when every node lists all of them.
func (r *rollout) begin(ctx context.Context, nodes []string) error {
	r.order = nodes
	for _, node := range nodes {
		listing, err := naming.Subscribe(node, r.spec.Service)
		if err != nil {
			return err
		}
		r.nodes[node] = listing
	}
	for i := range r.running {
		p, err := r.start(ctx, "")
		if err != nil {
			return err
		}
		r.running[i] = p
	}
	for _, node := range r.order {
		for _, p := range r.running {
			if err := r.awaitList(ctx, node, "backend "+p.spec.ID+" is not listed", isListed, p.addr); err != nil {
				return err
			}
		}
	}
	return nil
}

func isListed(listed bool) bool { return listed }

// roll restarts every backend once, in random order: with replacements on new ports, or on the same ones.
func (r *rollout) roll(ctx context.Context, samePort bool) error {
	restart := r.onNewPort
	if samePort {
		restart = r.onSamePort
	}
	for _, i := range r.random.Perm(len(r.running)) {
		r.report(event{backend: i + 1, of: len(r.running), samePort: samePort, addr: r.running[i].addr})
		if err := restart(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// onNewPort starts the replacement first, as a rolling update with a surge does, and ends the old one as soon as the
// new one's own node lists it: consumers on other nodes hear of it later.
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
	for _, node := range r.order {
		if err := r.awaitList(ctx, node, "backend "+old.addr+" is still listed", func(listed bool) bool { return !listed }, old.addr); err != nil {
			return err
		}
	}
	next, err := r.start(ctx, old.addr)
	if err != nil {
		return err
	}
	r.running[i] = next
	return nil
}

// start runs a backend on addr, or on a port of its own when addr is empty, and waits until its own node lists it. The
// nodes are taken in turn, so that a backend and its successor have two different ones.
func (r *rollout) start(ctx context.Context, addr string) (*process, error) {
	s := r.spec
	r.started++
	s.ID = fmt.Sprintf("%s-%d", s.Strategy, r.started)
	s.Report = fmt.Sprintf("%s/%s.json", r.dir, s.ID)
	s.Nacos = r.order[r.started%len(r.order)]
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
	if err := r.awaitList(ctx, s.Nacos, "backend "+s.ID+" is not listed", isListed, p.addr); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// awaitList blocks until the list of a node has addr as wanted; problem is what the error says when that takes too
// long.
func (r *rollout) awaitList(ctx context.Context, node, problem string, wanted func(listed bool) bool, addr string) error {
	limit, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("%s after %v", problem, startLimit))
	defer cancel()
	return r.nodes[node].Wait(limit, func(instances []naming.Instance) bool {
		return wanted(slices.ContainsFunc(instances, func(instance naming.Instance) bool { return instance.Addr == addr }))
	})
}

// end kills what still runs.
func (r *rollout) end() error {
	r.kill()
	var errs []error
	for _, listing := range r.nodes {
		errs = append(errs, listing.Close())
	}
	return errors.Join(errs...)
}
