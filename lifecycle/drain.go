// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Drain makes the instance a lame duck by hand: announced as going and withdrawn from every registrar, while every call
// that comes is still served (with Strict it is refused once the registrars have confirmed). It is the balancer's or
// the operator's request to leave.
//
// Drain blocks until the instance is withdrawn, settled and quiet, and returns nil then. That takes at most withdraw's
// share of the budget, settle and QuietLimit; with Strict, which does not settle, half the budget and QuietLimit. At
// the end of the quiet limit it returns an error that is ErrNotQuiet and stays draining; an absence that a registrar
// did not confirm is part of the error too. When ctx ends first it returns its cause, and draining goes on. Calls share
// the drain under way; a call on a drained instance looks for quiet again. After Resume, waiting callers get
// ErrResumed, unless an operator holds the instance: then the drain goes on, as theirs. Once Shutdown has begun Drain
// returns ErrStopping.
//
// Where the instance serves, and every registrar that lists it and knows the others (the method Others, not nil) knows no
// usable one, Drain returns ErrLastInstance and changes nothing: clients would be left with none. DrainLast drains it all the
// same. It is as good as what the registrars have seen last: two instances that are drained within a second of each other
// may both pass. A signal, Shutdown and an operator's switch are not asked; they have one warning.
//
// With Strict a handler must not wait for Drain, which waits for the handler; ErrFromHandler where that can be seen, as
// with Shutdown.
//
// Before Start it is remembered: Start then announces nothing until Resume.
func (m *Manager) Drain(ctx context.Context, opts ...DrainOption) error {
	if m.policy == Strict && m.within(ctx) {
		return fmt.Errorf("%w; use a goroutine: go m.Drain(context.Background())", ErrFromHandler)
	}
	if err := m.mayDrain(opts); err != nil {
		return err
	}
	m.mu.Lock()
	if m.shutdown != nil {
		m.mu.Unlock()
		return fmt.Errorf("lifecycle: drain: %w", ErrStopping)
	}
	do, o := m.causes.on(eventDrain), m.drain
	if do == doDrain || o == nil || !o.kind.withdraws() || o.over() {
		o = m.beginDrain(ctx, triggerHand, kindDrain)
	}
	m.mu.Unlock()
	for {
		select {
		case <-o.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		m.mu.Lock()
		next := m.drain
		m.mu.Unlock()
		switch {
		case !errors.Is(o.err, errBegunAnew):
			return o.err
		case next == nil: // and that one was undone
			return ErrResumed
		}
		o = next
	}
}

// Resume takes back a drain by hand: calls are served, health says what it said before, and the instance is
// registered again. It blocks until every registrar has shown it; when ctx ends first it returns its cause, and goes on
// registering in the background.
//
// While an operator holds the instance offline it stays draining, and Resume returns ErrOfflineByOperator. Once
// Shutdown has begun it returns ErrStopping and changes nothing, also while it waits. When somebody drains the instance
// again before it is registered, it returns ErrDrainedAgain. On an instance that does not drain it changes nothing, and
// waits for a registration that is under way.
func (m *Manager) Resume(ctx context.Context) error {
	m.mu.Lock()
	if m.shutdown != nil {
		m.mu.Unlock()
		return fmt.Errorf("lifecycle: resume: %w", ErrStopping)
	}
	if m.causes.on(eventResume) == doServe {
		m.undo()
	}
	parked, announced := m.causes.operator(), m.announced
	m.mu.Unlock()
	if parked {
		return fmt.Errorf("lifecycle: resume: %w", ErrOfflineByOperator)
	}
	if !announced {
		return nil
	}
	for _, k := range m.reconcilers {
		if err := k.awaitAnnounced(ctx, m.begun); err != nil {
			return fmt.Errorf("lifecycle: resume: register again with %s: %w", k.name, err)
		}
	}
	return nil
}

const triggerHand = "drain by hand"

// beginDrain begins a drain that stays. It is called with the lock held. Who waits for the drain before goes on with
// the new one.
func (m *Manager) beginDrain(ctx context.Context, trigger string, k kind) *offline {
	if m.drain != nil {
		m.drain.cancel(errBegunAnew)
	}
	o := &offline{kind: k, plan: m.planFrom(time.Now(), m.budget), done: make(chan struct{})}
	m.drain = o
	m.begin(ctx, o, trigger)
	return o
}

// undo is called with the lock held, when the last cause is gone.
func (m *Manager) undo() {
	if m.drain != nil {
		m.drain.cancel(ErrResumed)
	}
	m.serve()
}
