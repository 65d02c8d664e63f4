// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// Register puts the server into service: "state ready" at every balancer, then it blocks until each of them has it up.
// It returns nil, too, where an operator holds the server in maintenance, or has drained it since this Registrar has had
// it in service: that is left alone, and Watch tells of it. Another drain that it finds counts as one that an earlier
// process has left behind, and is undone; operators who want to keep a server out over a restart use maintenance. It is
// logged as a warning when it was not ours.
//
// All balancers have to answer: one that sends traffic and cannot be asked may hold the server drained. What the server
// inherits (maintenance or drain of a server that it tracks, a name that DNS does not know) "ready" does not end: it is
// waited for, and Failure says so.
//
// Errors wrap ErrRefused when a balancer has said no: a server or backend that it does not have, which may be there
// after its next reload, or a socket without rights, which is permanent. They wrap ErrInUse, also permanent, for a
// second listener; context.Cause(ctx) together with the reason; ErrClosed after Close. Deregister ends a Register that
// is under way.
func (r *Registrar) Register(ctx context.Context, addr net.Addr) error {
	p, err := placeOf(r.server, addr)
	if err != nil {
		return permanentError{fmt.Errorf("haproxy: register: %w", err)}
	}
	ctx, end, err := r.begin(ctx, ofRegister)
	if err != nil {
		return fmt.Errorf("haproxy: register %s: %w", r.whatFor(), err)
	}
	defer end()
	if err := r.occupy(addr, p); err != nil {
		return permanentError{fmt.Errorf("haproxy: register: %w", err)}
	}
	r.mu.Lock()
	r.goal, r.failing = goalNone, nil
	for _, b := range r.balancers {
		b.published = true
	}
	r.mu.Unlock()
	r.startKeeper()
	if err := r.putIn(ctx); err != nil {
		r.mu.Lock()
		r.failing = nil
		r.mu.Unlock()
		err = fmt.Errorf("haproxy: register %s: %w", r.whatFor(), err)
		if errors.Is(err, errDenied) {
			return permanentError{err}
		}
		return err
	}
	r.mu.Lock()
	r.goal, r.failing = goalRegistered, nil
	r.answers++
	r.online, r.heldAt = true, ""
	change := r.judge(r.balancers)
	r.notify()
	r.mu.Unlock()
	r.sayChange(change)
	return nil
}

// putIn says ready everywhere, then waits.
func (r *Registrar) putIn(ctx context.Context) error {
	err := r.each(func(b *balancer) error { return r.admit(ctx, b) })
	if err != nil {
		return err
	}
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	return r.each(func(b *balancer) error {
		err := r.awaitUp(waiting, b)
		if err != nil {
			cancel(errors.New("another balancer has failed"))
		}
		return err
	})
}

// admit says ready, unless an operator holds the server. It says so to a server that is ready as well: a socket without
// rights is better known now than at the offline.
func (r *Registrar) admit(ctx context.Context, b *balancer) error {
	s, found, err := r.look(ctx, b)
	switch {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("no server %s: %w", r.whatFor(), errNotKnown)
	case s.admin&forcedMaint != 0:
		r.log.Warn("haproxy: an operator holds the server in maintenance", "balancer", b.name, "server", r.what(s))
		return nil
	}
	r.mu.Lock()
	ours, served, port := b.drained, b.served, r.place.port
	r.mu.Unlock()
	switch {
	case s.admin&forcedDrain != 0 && served:
		r.log.Warn("haproxy: an operator holds the server drained", "balancer", b.name, "server", r.what(s))
		return nil
	case s.admin&forcedDrain == 0:
	case ours:
		r.log.Info("haproxy: ends our drain", "balancer", b.name, "server", r.what(s))
	default:
		r.log.Warn("haproxy: found drained, taken for the drain of an earlier process, undone; to keep a server out use maintenance",
			"balancer", b.name, "server", r.what(s))
	}
	if port != 0 && s.port != 0 && s.port != port {
		r.log.Warn("haproxy: the server has another port than our listener: right where ports are mapped, else it is another instance",
			"balancer", b.name, "server", r.what(s), "addr", s.addr(), "listener", port)
	}
	_, err = r.set(ctx, b, s, stateReady)
	return err
}

// awaitUp waits until the balancer sends calls to the server, or an operator holds it.
func (r *Registrar) awaitUp(ctx context.Context, b *balancer) error {
	var failing error
	for {
		s, found, err := r.look(ctx, b)
		if err == nil && s.admin&forcedDrain != 0 {
			s, err = r.takeBack(ctx, b, s)
		}
		switch {
		case err != nil && failing != nil:
			return fmt.Errorf("%w: %w", failing, err)
		case err != nil:
			return err
		case !found:
			return fmt.Errorf("no server %s: %w", r.whatFor(), errNotKnown)
		case s.up(), s.absent():
			return nil
		}
		failing = fmt.Errorf("%s is %s", r.what(s), s.why())
		r.mu.Lock()
		r.failing = fmt.Errorf("%s: %w", b.name, failing)
		r.mu.Unlock()
		if pause(ctx, pollPause); ctx.Err() != nil {
			return fmt.Errorf("%w: %w", failing, context.Cause(ctx))
		}
	}
}
