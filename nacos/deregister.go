// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Deregister withdraws the instance and blocks until our own subscription has shown its absence. From then on, until
// Register or Close, the instance is withdrawn again, until that succeeds, whenever a list brings it back.
//
// The registry's answer is no confirmation: a registration that was under way may come after it, and the copy of a
// registry node that has died stays for three minutes. So without a list that lacks us the instance is withdrawn once
// more after absenceWait, then the open list is read, and at last the connection is replaced, which also takes back
// what the registry refuses to withdraw.
//
// Every error wraps ErrUnconfirmed. It also wraps ErrSecondOwner, and names it, when somebody else registers our
// address; the SDK's error when the registry is away: the instance does not come back by itself then, but consumers
// keep their lists; context.Cause(ctx) when ctx has ended first, with what was seen until then; ErrClosed after Close.
//
// The absence of an instance that was absent already, withdrawn before or held by an operator, is not waited for, as
// nothing will be pushed: it takes one request and a look at the open list or, where that cannot be read, at the
// subscription of a new connection. Where neither can be had, it is not confirmed. Deregister ends a Register that is
// under way. It returns nil when nothing can have been published: without a Register before it, or when the registry
// could never be reached. What an operator did before it is told by Watch before it returns: see there.
func (r *Registrar) Deregister(ctx context.Context) error {
	r.lookOnceMore(ctx)
	r.mu.Lock()
	r.step(eventWithdraw)
	if r.yield != nil {
		r.yield(errWithdrawing)
	}
	r.mu.Unlock()
	ctx, end, err := r.begin(ctx, false)
	if err != nil {
		return &withdrawalError{r.inst.Service, err}
	}
	defer end()
	r.mu.Lock()
	r.step(eventWithdraw) // a Register may have ended in between
	l, leftover := r.link, r.leftover
	r.mu.Unlock()
	switch {
	case l != nil:
		err = r.withdraw(ctx, l)
	case leftover:
		err = r.recheck(ctx)
	}
	r.heard(ctx)
	if err != nil {
		return &withdrawalError{r.what(), err}
	}
	return nil
}

// lookOnceMore is for an instance that an operator holds offline. One who has switched it on a moment ago has made it
// known to consumers, though perhaps not yet to us; Watch tells so before the absence is confirmed.
func (r *Registrar) lookOnceMore(ctx context.Context) {
	r.mu.Lock()
	l, held := r.link, r.machine.state == stateOffline
	r.mu.Unlock()
	if l == nil || !held {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.t.absence)
	defer cancel()
	if _, listed, err := r.openList(ctx, l); err != nil || !listed {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.step(eventBack)
}

// withdraw returns nil when the absence is confirmed.
func (r *Registrar) withdraw(ctx context.Context, l *link) error {
	r.mu.Lock()
	before := l.view // an absence that it shows is not the withdrawal's
	r.mu.Unlock()
	stuck := false // the view shows an absence that is none, and will not change
	var answer error
	for attempt := range 2 {
		answer = l.Deregister(ctx, r.inst.Service, r.inst.Group, l.self)
		if ctx.Err() != nil {
			return r.overdue(ctx, l)
		}
		if answer != nil && r.neverPublished(l) {
			r.adopt(nil)
			return nil
		}
		if attempt == 0 && before.absent() {
			switch gone, err := r.stillAbsent(ctx, l); {
			case err != nil:
				return errors.Join(answer, err)
			case gone:
				return r.confirmed(l)
			}
			stuck = true
		}
		gone, err := r.until(ctx, r.patience(ctx), func() bool { return !stuck && l.view.absent() })
		if err != nil {
			return r.overdue(ctx, l)
		}
		if gone {
			return r.confirmed(l)
		}
	}
	if errors.Is(answer, ErrRefused) {
		// What we may not take back goes with its connection, and a new one logs in anew.
		if err := r.recheck(ctx); err != nil {
			return fmt.Errorf("%w; closing the connection: %w", answer, err)
		}
		return nil
	}
	if answer != nil {
		return answer
	}
	return r.insist(ctx, l)
}

// patience is how long a withdrawal may take to be seen: so long that what is known then can still be said.
func (r *Registrar) patience(ctx context.Context) time.Duration {
	const margin = 100 * time.Millisecond
	if deadline, ok := ctx.Deadline(); ok {
		return min(r.t.absence, max(time.Until(deadline)-margin, 0))
	}
	return r.t.absence
}

// neverPublished tells that the registry cannot have heard of any registration: then one that is away has nothing that
// could stay.
func (r *Registrar) neverPublished(l *link) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !l.mayBePublished() && !r.leftover
}

func (r *Registrar) confirmed(l *link) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.asked, r.leftover = false, false
	return nil
}

// stillAbsent is for an instance that no list has shown since before: nothing will be pushed, and where our view is
// broken it is listed all the same. An error means that there is no evidence.
func (r *Registrar) stillAbsent(ctx context.Context, l *link) (bool, error) {
	entries, _, err := r.openList(ctx, l)
	if err == nil {
		return len(entries) == 0, nil
	}
	fresh, freshErr := r.open(ctx, l.self)
	r.mu.Lock()
	absent := fresh.view.absent()
	r.mu.Unlock()
	r.discard(fresh)
	if freshErr != nil {
		return false, fmt.Errorf("absent already, and no second look: %w; by a new connection: %w", err, freshErr)
	}
	return absent, nil
}

// insist is for an instance that is listed although its withdrawal was accepted twice.
func (r *Registrar) insist(ctx context.Context, l *link) error {
	if entries, _, err := r.openList(ctx, l); err == nil && len(entries) == 0 {
		r.log.Warn("nacos: our subscription is stuck, the open list confirms the absence")
		return r.confirmed(l)
	}
	if ctx.Err() != nil {
		return r.overdue(ctx, l)
	}
	r.log.Warn("nacos: listed after two withdrawals, closing the connection", "entries", r.entries(l))
	return r.recheck(ctx)
}

// recheck drops the connection, if there is one, which takes away whatever it has published, and looks with a new one.
func (r *Registrar) recheck(ctx context.Context) error {
	r.mu.Lock()
	self := r.self
	r.mu.Unlock()
	r.adopt(nil)
	fresh, err := r.open(ctx, self)
	r.adopt(fresh)
	if err != nil {
		return err
	}
	gone, err := r.until(ctx, r.patience(ctx), func() bool { return fresh.view.absent() })
	switch {
	case gone:
		return r.confirmed(fresh)
	case err != nil:
		return errors.Join(err, r.listedStill(fresh))
	default:
		return r.listedStill(fresh)
	}
}

func (r *Registrar) entries(l *link) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return describeAll(l.view.entries)
}

// listedStill says who is listed although our connection has ended: whoever is not what we have published is somebody
// else.
func (r *Registrar) listedStill(l *link) error {
	r.mu.Lock()
	entries := l.view.entries
	r.mu.Unlock()
	switch {
	case len(entries) == 0:
		return errors.New("no list has come")
	case different(entries, l.self):
		return fmt.Errorf("still listed: %w: %s", ErrSecondOwner, describeAll(entries))
	}
	return fmt.Errorf("still listed: %s: the copy of a registry node that has died, which stays for about three "+
		"minutes, or another client that registers the same", describeAll(entries))
}

// overdue is for a withdrawal whose ctx has ended while our own connection stands: an entry may still be ours.
func (r *Registrar) overdue(ctx context.Context, l *link) error {
	r.mu.Lock()
	entries := l.view.entries
	r.mu.Unlock()
	switch {
	case len(entries) == 0:
		return context.Cause(ctx)
	case foreign(entries, l.self):
		return fmt.Errorf("%w; still listed: %w: %s", context.Cause(ctx), ErrSecondOwner, describeAll(entries))
	}
	return fmt.Errorf("%w; still listed: %s", context.Cause(ctx), describeAll(entries))
}
