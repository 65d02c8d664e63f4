// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Deregister drains the server at every balancer, in parallel, and blocks until each of them shows it: it then sends no
// new calls, and lets those under way end. From then on, until Register or Close, the balancers are looked at every
// second, and the server is drained again where it is not: a reload forgets a drain. A server in maintenance is left
// alone.
//
// A balancer that does not answer is asked again for 2 s, since a reload takes the socket away for a moment; what it
// refuses is not. One failure does not stop the others. Where the server has an agent-check that says neither "up" nor
// "down", it may undo the drain: it is watched for 2.5 s, and named in the error when it does.
//
// Every error wraps ErrUnconfirmed. It also wraps ErrRefused when a balancer has said no; context.Cause(ctx) when ctx
// has ended first; ErrClosed after Close. Deregister ends a Register that is under way. Without a Register before it, a
// server that is found by its address is not known, and nil is returned; so it is when a balancer has no server with
// that address any more.
func (r *Registrar) Deregister(ctx context.Context) error {
	r.mu.Lock()
	r.withdrawing++
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.withdrawing--
	}()
	ctx, end, err := r.begin(ctx, ofDeregister)
	if err != nil {
		return &withdrawalError{r.whatFor(), err}
	}
	defer end()
	r.lookOnceMore(ctx)
	r.mu.Lock()
	r.goal, r.failing = goalWithdrawn, nil
	unknown := r.server == "" && r.listener == ""
	r.mu.Unlock()
	if unknown {
		return nil
	}
	r.startKeeper()
	if err := r.each(func(b *balancer) error { return r.takeOut(ctx, b) }); err != nil {
		return &withdrawalError{r.whatFor(), err}
	}
	return nil
}

// lookOnceMore lets Watch tell what an operator has done since the last look, before it counts no more.
func (r *Registrar) lookOnceMore(ctx context.Context) {
	r.mu.Lock()
	registered := r.goal == goalRegistered
	r.mu.Unlock()
	if !registered {
		return
	}
	limited, cancel := context.WithTimeout(ctx, lookOnceMost)
	defer cancel()
	r.survey(limited)
	r.awaitTold(ctx)
}

// takeOut repeats what may succeed at the next try.
func (r *Registrar) takeOut(ctx context.Context, b *balancer) error {
	var s server
	for began := time.Now(); ; pause(ctx, pollPause) {
		var err error
		if s, err = r.drain(ctx, b); err == nil {
			break
		}
		if cause := context.Cause(ctx); cause != nil {
			if !errors.Is(err, cause) {
				err = fmt.Errorf("%w: %w", cause, err)
			}
			return err
		}
		if errors.Is(err, ErrRefused) || errors.Is(err, errTooLong) || time.Since(began) >= insistFor {
			return err
		}
	}
	if !s.hasAgent() || s.admin&forcedMaint != 0 {
		return nil
	}
	if err := r.heedAgent(ctx, b, s); errors.Is(err, errAgentUndoes) {
		return err
	}
	return nil // the drain was seen; the keeper goes on
}

// drain returns the server as it stands when it is out of service.
func (r *Registrar) drain(ctx context.Context, b *balancer) (server, error) {
	s, found, err := r.look(ctx, b)
	if err != nil {
		return s, err
	}
	return r.bringOut(ctx, b, s, found)
}

// bringOut drains what a look has shown to be in service.
func (r *Registrar) bringOut(ctx context.Context, b *balancer, s server, found bool) (server, error) {
	if !found {
		if r.server != "" {
			return s, fmt.Errorf("no server %s: %w", r.whatFor(), errNotKnown)
		}
		r.confirmed(b)
		return s, nil
	}
	if !s.absent() {
		var err error
		if s, err = r.set(ctx, b, s, stateDrain); err != nil {
			return s, err
		}
		if !s.absent() {
			return s, fmt.Errorf("%s: %w", r.what(s), errNotShown)
		}
	}
	r.confirmed(b)
	return s, nil
}

func (r *Registrar) confirmed(b *balancer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b.published = false
}
