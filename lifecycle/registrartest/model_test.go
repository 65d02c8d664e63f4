// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

func TestModel(t *testing.T) {
	t.Parallel()
	Test(t, Make{Bubble: true, World: func(t testing.TB) World { return newModelWorld(t, nil) }})
}

// A modelRegistrar keeps every promise, and has every optional method.
type modelRegistrar struct {
	registry *modelRegistry
	flaws    flaws
	turn     chan struct{} // holds a value while somebody talks to the registry
	keeper   sync.WaitGroup
	kick     chan struct{}

	mu       sync.Mutex
	goal     goal
	known    bool // consumers may know the instance
	failing  error
	abort    context.CancelCauseFunc // of what has the turn
	watching bool
	tell     []bool // what Watch has still to say
	wake     chan struct{}
	others   map[string]lifecycle.Other // nil: there was no list yet
	closed   chan struct{}
	addr     net.Addr
}

type goal int

const (
	idle goal = iota
	listed
	withdrawn
)

var (
	errClosed = errors.New("model: closed")
	errInUse  = inUse{errors.New("model: another listener is registered")}
)

type inUse struct{ error }

func (inUse) InUse() bool { return true }

func (g *modelRegistry) newRegistrar(spoil func(*mistaken)) lifecycle.Registrar {
	r := &modelRegistrar{
		registry: g, turn: make(chan struct{}, 1), kick: make(chan struct{}, 1), wake: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	g.clients = append(g.clients, r)
	var it lifecycle.Registrar = r
	if spoil != nil {
		m := &mistaken{modelRegistrar: r}
		spoil(m)
		it = m
	}
	r.keeper.Go(r.keep)
	return it
}

// begin takes the turn. What has it ends with Close.
func (r *modelRegistrar) begin(ctx context.Context) (_ context.Context, end func(), _ error) {
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	case <-r.closed:
		return nil, nil, errClosed
	}
	if ctx.Err() != nil { // both were ready
		<-r.turn
		return nil, nil, context.Cause(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	r.locked(func() { r.abort = cancel })
	if r.isClosed() {
		cancel(errClosed)
	}
	return ctx, func() {
		cancel(nil)
		<-r.turn
	}, nil
}

func (r *modelRegistrar) isClosed() bool {
	select {
	case <-r.closed:
		return true
	default:
		return false
	}
}

func (r *modelRegistrar) locked(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

func (r *modelRegistrar) Register(ctx context.Context, addr net.Addr) error {
	ctx, end, err := r.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	var taken bool
	r.locked(func() { taken = r.goal == listed && r.addr != nil && r.addr.String() != addr.String() })
	if taken {
		return errInUse
	}
	r.locked(func() { r.goal, r.known, r.addr = listed, true, addr })
	for {
		err := r.registry.request(ctx, func() { r.registry.entries = max(r.registry.entries, 1) })
		if err == nil {
			break
		}
		if ctx.Err() != nil || errors.Is(err, errRefused) {
			r.locked(func() { r.goal, r.failing = idle, nil })
			return err
		}
		r.locked(func() { r.failing = err })
		_ = wait(ctx, requestTime)
	}
	held := r.registry.holds()
	r.update()
	r.locked(func() {
		r.failing = nil
		r.say(!held)
	})
	return nil
}

func (r *modelRegistrar) Deregister(ctx context.Context) error {
	ctx, end, err := r.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := r.registry.request(ctx, func() { r.registry.entries = 0 }); err != nil {
		return err
	}
	r.locked(func() { r.goal = withdrawn })
	for !r.hasTold() {
		if err := wait(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	r.locked(func() { r.known = false })
	return nil
}

// keep does what was asked for again, where the registry has lost it.
func (r *modelRegistrar) keep() {
	for {
		select {
		case <-r.closed:
			return
		case <-r.registry.end: // of a test of a Close that does nothing
			return
		case <-r.kick:
		}
		_ = wait(context.Background(), requestTime)
		ctx, end, err := r.begin(context.Background())
		if err != nil {
			return
		}
		var goal goal
		var flaws flaws
		r.locked(func() { goal, flaws = r.goal, r.flaws })
		entries := r.registry.registered()
		switch {
		case goal == listed && entries == 0 && !flaws.forgets:
			err = r.registry.request(ctx, func() { r.registry.entries = 1 })
		case goal == withdrawn && entries > 0 && !flaws.letsReturn:
			err = r.registry.request(ctx, func() { r.registry.entries = 0 })
		}
		if err != nil {
			r.poke()
		}
		end()
	}
}

// poke is called when the registry has changed.
func (r *modelRegistrar) poke() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
	r.update()
}

// update takes the registry's list, once there is a connection.
func (r *modelRegistrar) update() {
	addrs := r.registry.joined()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.goal == idle {
		return
	}
	before := r.others
	r.others = map[string]lifecycle.Other{}
	for _, addr := range addrs {
		old, ok := before[addr]
		switch {
		case !ok:
			old = lifecycle.Other{Addr: addr, Usable: true}
			if before != nil {
				old.Since = time.Now()
			}
		}
		r.others[addr] = old
	}
}

func (r *modelRegistrar) Close() error {
	close(r.closed)
	r.locked(func() {
		if r.abort != nil {
			r.abort(errClosed)
		}
	})
	r.keeper.Wait()
	r.registry.change(func() { r.registry.entries = 0 })
	return nil
}
