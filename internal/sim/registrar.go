// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

const (
	requestTime     = 4 * time.Millisecond // what a request to the registry takes
	confirmPatience = 3 * time.Second      // how long Deregister waits for the absence to be shown
)

var (
	errDown        = errors.New("sim: the registry is down")
	errUnconfirmed = errors.New("sim: the absence was not shown")
	errNotAsked    = errors.New("sim: not asked")
)

// A registrar is the connection of one instance to the registry, a lifecycle.Registrar.
type registrar struct {
	registry *registry
	instance *instance
	addr     string
	settle   time.Duration
	view     *view // of our own node

	mu          sync.Mutex
	random      *rand.Rand
	closed      bool
	registering bool // Register has not returned nil
	succeeded   bool // it has, once
	withdrawing bool // Deregister has not returned
	watching    bool
	news        []news // for Watch to tell
	wake        chan struct{}
	known
}

// known is what the instance was told, whatever it makes of it.
type known struct {
	outcome  error     // of the last Deregister; errNotAsked when Register came later, or nothing
	returned time.Time // the last Deregister
	held     bool      // an operator holds it
	absent   time.Time // since when it is known to be absent; zero while others may find it listed
}

// failed tells that Deregister has not confirmed the absence.
func (k known) failed() bool { return k.outcome != nil && !errors.Is(k.outcome, errNotAsked) }

func newRegistrar(g *registry, i *instance, settle time.Duration) *registrar {
	return &registrar{
		registry: g, instance: i, addr: i.at.name, settle: settle, known: known{outcome: errNotAsked}, wake: make(chan struct{}, 1),
		view:   g.nodes[i.id%len(g.nodes)].follow(false),
		random: rand.New(rand.NewPCG(g.seed, 1<<32|uint64(i.id))),
	}
}

func (r *registrar) Settle() time.Duration { return r.settle }
func (r *registrar) String() string        { return "sim" }

// Others are the other instances as our own node has them.
func (r *registrar) Others() []lifecycle.Other {
	list, _ := r.view.look()
	others := []lifecycle.Other{}
	for _, addr := range list {
		if addr != r.addr {
			others = append(others, lifecycle.Other{Addr: addr, Usable: true, Since: r.view.age(addr)})
		}
	}
	return others
}

// sees tells whether our own node has shown us an address.
func (r *registrar) sees(addr string) bool {
	list, _ := r.view.look()
	return slices.Contains(list, addr)
}

// delay is what passes until a change is known here.
func (r *registrar) delay() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return between(r.random, 0, r.registry.spread)
}

func (r *registrar) what() known {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known
}

func (r *registrar) Register(ctx context.Context, _ net.Addr) error {
	r.instance.checkRegister(r.what().held)
	r.mu.Lock()
	r.registering, r.outcome = true, errNotAsked
	if !r.held {
		r.absent = time.Time{}
	}
	if r.closed {
		r.instance.complain("Register was called after Close")
	}
	r.mu.Unlock()
	lead := r.delay()
	err := r.request(ctx, lead, func() {
		r.instance.checkListed()
		r.registry.add(r.addr, r)
	})
	if err == nil && !sleep(ctx, lead) {
		err = context.Cause(ctx)
	}
	if err == nil {
		r.registered()
	}
	return err
}

func (r *registrar) Deregister(ctx context.Context) error {
	r.mu.Lock()
	r.withdrawing = true
	untold := len(r.news) > 0
	if r.held && !untold && !r.instance.leaving() {
		r.instance.complain("Deregister was called while an operator held it: that ends their flag")
	}
	r.mu.Unlock()
	err := r.deregister(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.withdrawing, r.held = false, false
	r.outcome, r.returned = err, time.Now()
	if err == nil && r.absent.IsZero() {
		r.absent = time.Now()
	}
	if r.closed {
		r.instance.checkClosed()
	}
	return err
}

func (r *registrar) deregister(ctx context.Context) error {
	f, _ := r.registry.fault()
	if f.Kind == Ghost {
		return r.unconfirmed(ctx)
	}
	lead := r.delay()
	if err := r.request(ctx, lead, func() { r.registry.remove(r.addr, r) }); err != nil {
		return err
	}
	if f.Kind == Unconfirmed {
		return r.unconfirmed(ctx)
	}
	if !sleep(ctx, lead) {
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

func (r *registrar) unconfirmed(ctx context.Context) error {
	if !sleep(ctx, confirmPatience) {
		return context.Cause(ctx)
	}
	return errUnconfirmed
}

// request changes the registry. One that is given up before it got there changes nothing, also later: that is the
// contract of a Registrar, however an adapter keeps it.
func (r *registrar) request(ctx context.Context, lead time.Duration, change func()) error {
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
	r.registry.change(lead, change)
	if !sleep(ctx, took/2) {
		return context.Cause(ctx)
	}
	return nil
}

// Close ends the connection, and the registry removes what it held; where it is away, once it is back.
func (r *registrar) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	remove := func() { r.registry.change(0, func() { r.registry.remove(r.addr, r) }) }
	if f, until := r.registry.fault(); f.Kind == Down || f.Kind == Frozen {
		time.AfterFunc(time.Until(until), remove)
		return nil
	}
	remove()
	return nil
}
