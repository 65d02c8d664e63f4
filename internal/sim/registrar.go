// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

const (
	requestTime     = 4 * time.Millisecond // what a request to the registry takes
	confirmPatience = 3 * time.Second      // how long Deregister waits for the absence to be shown
)

var (
	errDown        = errors.New("sim: the registry is down")
	errUnconfirmed = errors.New("sim: the absence was not shown")
)

// A registrar is the connection of one instance to the registry, a lifecycle.Registrar.
type registrar struct {
	registry *registry
	settle   time.Duration
	onCall   func() // at each call of Register
	onListed func() // when that gets to the registry

	mu        sync.Mutex
	addr      string
	withdrawn error // of the last Deregister; errNotAsked when Register came later, or nothing
	watching  bool
	clicks    []bool // not yet told
	clicked   chan struct{}
}

var errNotAsked = errors.New("sim: not asked")

func newRegistrar(g *registry, settle time.Duration, onCall, onListed func()) *registrar {
	return &registrar{registry: g, settle: settle, onCall: onCall, onListed: onListed, withdrawn: errNotAsked, clicked: make(chan struct{})}
}

func (r *registrar) Settle() time.Duration { return r.settle }
func (r *registrar) String() string        { return "sim" }

func (r *registrar) Register(ctx context.Context, addr net.Addr) error {
	r.onCall()
	r.mu.Lock()
	r.addr, r.withdrawn = addr.String(), errNotAsked
	r.mu.Unlock()
	err := r.request(ctx, func(entries map[string]*entry) {
		r.onListed()
		if e := entries[addr.String()]; e != nil && e.owner == r {
			return
		}
		entries[addr.String()] = &entry{owner: r}
	})
	if err == nil && !sleep(ctx, r.registry.delay()) {
		err = context.Cause(ctx)
	}
	return err
}

func (r *registrar) Deregister(ctx context.Context) error {
	err := r.deregister(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.withdrawn = err
	return err
}

func (r *registrar) deregister(ctx context.Context) error {
	f, _ := r.registry.fault()
	if f.Kind == Ghost {
		return r.unconfirmed(ctx)
	}
	if err := r.request(ctx, r.remove); err != nil {
		return err
	}
	if f.Kind == Unconfirmed {
		return r.unconfirmed(ctx)
	}
	if !sleep(ctx, r.registry.delay()) {
		return context.Cause(ctx)
	}
	// What the registry shows, it shows in order: the absence comes after what operators did before it.
	for r.behind() {
		if !sleep(ctx, time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	return nil
}

func (r *registrar) behind() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.watching && len(r.clicks) > 0
}

func (r *registrar) unconfirmed(ctx context.Context) error {
	if !sleep(ctx, confirmPatience) {
		return context.Cause(ctx)
	}
	return errUnconfirmed
}

func (r *registrar) remove(entries map[string]*entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := entries[r.addr]; e != nil && e.owner == r {
		delete(entries, r.addr)
	}
}

// request changes the registry. One that is given up before it got there changes nothing, also later: that is the
// contract of a Registrar, however an adapter keeps it.
func (r *registrar) request(ctx context.Context, change func(map[string]*entry)) error {
	took := requestTime
	switch f, until := r.registry.fault(); f.Kind {
	case Down:
		sleep(ctx, took)
		return errDown
	case Frozen:
		if !sleep(ctx, time.Until(until)) {
			return context.Cause(ctx)
		}
		return errDown
	case Slow:
		took = f.Slow
	}
	if !sleep(ctx, took/2) {
		return context.Cause(ctx)
	}
	r.registry.change(change)
	if !sleep(ctx, took/2) {
		return context.Cause(ctx)
	}
	return nil
}

// Close ends the connection, and the registry removes what it held; where it is away, once it is back.
func (r *registrar) Close() error {
	f, until := r.registry.fault()
	if f.Kind == Down || f.Kind == Frozen {
		time.AfterFunc(time.Until(until), func() { r.registry.change(r.remove) })
		return nil
	}
	r.registry.change(r.remove)
	return nil
}

// outcome returns what came of the last Deregister.
func (r *registrar) outcome() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.withdrawn
}

func (r *registrar) operated(online bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clicks = append(r.clicks, online)
	close(r.clicked)
	r.clicked = make(chan struct{})
}

// Watch tells how the registry holds the instance, then what operators did since.
func (r *registrar) Watch(ctx context.Context, changed func(online bool)) error {
	r.watch(true)
	defer r.watch(false)
	changed(!r.heldByOperator())
	for {
		r.mu.Lock()
		clicks, clicked := r.clicks, r.clicked
		r.mu.Unlock()
		if len(clicks) == 0 {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-clicked:
			}
			continue
		}
		if !sleep(ctx, r.registry.delay()) {
			return context.Cause(ctx)
		}
		changed(clicks[0])
		r.mu.Lock()
		r.clicks = r.clicks[1:]
		r.mu.Unlock()
	}
}

func (r *registrar) watch(watching bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watching, r.clicks = watching, nil
}

func (r *registrar) heldByOperator() bool {
	r.registry.mu.Lock()
	defer r.registry.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.registry.entries[r.addr]
	return e != nil && e.owner == r && e.offline
}
