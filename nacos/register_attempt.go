// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"
	"fmt"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// attempt does what the machine wants done until the instance is listed or held, and returns an error for everything
// else. Close and Deregister end it as well.
func (r *Registrar) attempt(ctx context.Context, self sdk.Instance) error {
	r.mu.Lock()
	if ctx.Err() != nil { // what ends it may have made it withdrawn in the same step
		r.mu.Unlock()
		return context.Cause(ctx)
	}
	r.step(eventRegister)
	r.mu.Unlock()
	for {
		r.mu.Lock()
		m := r.machine
		r.mu.Unlock()
		switch {
		case m.state != stateRegistering:
			return nil
		case m.todo == doAwait:
			changed, err := r.until(ctx, m.wait, func() bool { return r.machine.revision != m.revision })
			if err != nil && !r.isRegistered() {
				return err
			}
			if err == nil && !changed {
				r.feed(m.revision, eventTimeout)
			}
		default:
			e, err := r.carryOut(ctx, m, self)
			r.feed(m.revision, e)
			if err != nil && !r.isRegistered() {
				return err
			}
		}
	}
}

// isRegistered tells that a list with us has come, whatever went wrong since.
func (r *Registrar) isRegistered() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.machine.state == stateRegistered || r.machine.state == stateOffline
}

// carryOut does one todo of a Register; an error ends the attempt.
func (r *Registrar) carryOut(ctx context.Context, m machine, self sdk.Instance) (event, error) {
	l, err := r.ensure(ctx, self)
	if err != nil {
		return eventFailed, err
	}
	if m.todo == doRegister {
		if err := r.registerOn(ctx, l); err != nil {
			return eventFailed, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.feedView() // what it shows of an earlier registration is good enough
		return eventAccepted, nil
	}
	o := r.ask(ctx, l, true)
	switch {
	case r.shown(l): // while we asked
		r.discard(o.fresh)
		return eventListed, nil
	case ctx.Err() != nil:
		r.discard(o.fresh)
		return eventFailed, context.Cause(ctx)
	case o.event == eventThere:
		// Our view is broken. The next attempt goes on with the new connection.
		r.log.Warn("nacos: listed, but our subscription does not show it: new connection", "instance", r.what())
		r.adopt(o.fresh)
		return eventThere, errNotListed
	case o.event == eventNoOpinion:
		return eventNoOpinion, fmt.Errorf("%w: %w", errNotListed, o.err)
	case o.event == eventUnheld:
		r.adopt(nil) // a connection that the registry does not know: it accepts everything, and nothing comes of it
		return eventUnheld, errWithoutEffect
	}
	return o.event, nil
}

func (r *Registrar) registerOn(ctx context.Context, l *link) error {
	r.mu.Lock()
	self, before := l.self, l.asked
	l.asked = true
	r.mu.Unlock()
	err := l.Register(ctx, r.inst.Service, r.inst.Group, self)
	if errors.Is(err, ErrRefused) && !before {
		r.mu.Lock()
		l.asked = false
		r.mu.Unlock()
	}
	return err
}

// ensure returns the connection with a subscription on it.
func (r *Registrar) ensure(ctx context.Context, self sdk.Instance) (*link, error) {
	r.mu.Lock()
	l := r.link
	if l != nil {
		l.self = self
	}
	known := l != nil && l.view.lists > 0
	r.mu.Unlock()
	if l == nil {
		var err error
		l, err = r.open(ctx, self)
		r.adopt(l)
		return l, err
	}
	if known {
		return l, nil
	}
	return l, r.subscribe(ctx, l)
}
