// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Shutdown takes the instance offline and stops the servers. The first call begins it, further calls share it. It
// returns nil after a clean offline; otherwise the error joins everything that went wrong on the way, which stops
// nothing: ErrForcedStop with the number of RPCs that were cut, registrars that did not confirm the absence, hooks that
// failed. Report tells it in figures.
//
// Shutdown blocks for at most the budget and one second; a deadline of the first call's ctx shortens the budget. When
// the ctx of a call is cancelled, that call returns its cause and the offline goes on; Force ends it. A further call
// whose own deadline passes waits one second more for the result, then returns its cause. Before Run or
// Start, Shutdown stops the servers, and Run and Start return ErrStopping from then on.
//
// A handler must not wait for Shutdown, which waits for the handler: it calls go m.Shutdown(context.Background()). With
// the context of a stream, of a late or abandonable call (interceptor.Tracker), or of a request to an HTTPServer,
// Shutdown returns ErrFromHandler at once and begins nothing; a context of another unary call tells nothing.
func (m *Manager) Shutdown(ctx context.Context) error {
	return m.shutDown(ctx, "shutdown", kindShutdown)
}

func (m *Manager) shutDown(ctx context.Context, trigger string, k kind) error {
	if m.within(ctx) {
		return fmt.Errorf("%w; use a goroutine: go m.Shutdown(context.Background())", ErrFromHandler)
	}
	o := m.beginShutdown(ctx, trigger, k)
	if o.over() {
		return o.err
	}
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		// The budget ends at the same moment; what it came to is worth more than the cause.
		select {
		case <-o.done:
			return o.err
		case <-time.After(time.Second):
		}
	}
	return context.Cause(ctx)
}

// ShutdownByHand is Shutdown for a trigger that no platform knows of, a request over HTTP for example: readiness is red
// at once, since nobody else takes the instance out.
func (m *Manager) ShutdownByHand(ctx context.Context) error {
	return m.shutDown(ctx, "shutdown by hand", kindExit)
}

func (m *Manager) beginShutdown(ctx context.Context, trigger string, k kind) *offline {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stop(ctx, trigger, k)
}

// stop is called with the lock held.
func (m *Manager) stop(ctx context.Context, trigger string, k kind) *offline {
	if m.shutdown != nil {
		return m.shutdown
	}
	budget := m.budget
	if deadline, ok := ctx.Deadline(); ok {
		budget = max(0, min(budget, time.Until(deadline)))
	}
	if m.drain != nil {
		m.drain.cancel(ErrStopping)
	}
	o := &offline{
		kind: k, plan: m.planFrom(time.Now(), budget), done: make(chan struct{}), forced: make(chan struct{}),
		adminsStopped: make(chan struct{}),
	}
	m.shutdown = o
	m.begin(ctx, o, trigger)
	close(m.begun)
	return o
}
