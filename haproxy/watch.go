// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// News is what Watch tells.
type news struct {
	answers  uint64 // Registers that have returned nil
	online   bool
	heldAt   string // the balancers that have it out of service
	watchers []*told
}

// told is what one Watch has told.
type told struct {
	answers uint64
	online  bool
}

// Watch tells what an operator does to the server while it is registered: changed is called with false when one has
// drained it or put it into maintenance, and with true when that has ended. With several balancers it is false when all
// that answer show it so, at least one: nothing drains because of one of them. The first call says how it stands when
// Watch begins, or once Register has returned nil for the first time; after each further Register there is one call,
// too. A server that is down, or that inherits its state, is not reported.
//
// The balancers are looked at every second. changed is called in order, from the goroutine of Watch, and what it was too
// slow for is skipped. Watch blocks until ctx ends and returns context.Cause(ctx), or ErrClosed after Close.
func (r *Registrar) Watch(ctx context.Context, changed func(online bool)) error {
	last := &told{}
	r.mu.Lock()
	r.watchers = append(r.watchers, last)
	r.mu.Unlock()
	defer r.unwatch(last)
	for {
		r.mu.Lock()
		now, behind, next := told{r.answers, r.online}, r.behind(last), r.changed
		r.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case r.isClosed():
			return ErrClosed
		case behind:
			changed(now.online)
			r.mu.Lock()
			*last = now
			r.notify()
			r.mu.Unlock()
			continue
		}
		select {
		case <-next:
		case <-ctx.Done():
		case <-r.closing:
		}
	}
}

func (r *Registrar) unwatch(t *told) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watchers = slices.DeleteFunc(r.watchers, func(other *told) bool { return other == t })
	r.notify()
}

// behind and notify are called with the lock held, as is judge.
func (r *Registrar) behind(t *told) bool {
	return t.answers != r.answers || r.answers > 0 && t.online != r.online
}

func (r *Registrar) notify() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// judge makes up what operators want of what these balancers have answered: those that do not answer say nothing. It
// returns what is new, for the log.
func (r *Registrar) judge(answered []*balancer) (change string) {
	var held, serving []string
	for _, b := range answered {
		switch {
		case !b.found:
		case b.shown.absent():
			held = append(held, b.name)
		default:
			serving = append(serving, b.name)
		}
	}
	if len(held)+len(serving) == 0 {
		return ""
	}
	if at := strings.Join(held, " "); at != r.heldAt {
		r.heldAt = at
		change = fmt.Sprintf("out of service at %q, in service at %q", held, serving)
	}
	if online := len(serving) > 0; online != r.online {
		r.online = online
		r.notify()
	}
	return change
}

// sayChange logs what judge has returned, without the lock.
func (r *Registrar) sayChange(change string) {
	if change != "" {
		r.log.Warn("haproxy: an operator has changed the state of the server", "now", change)
	}
}

// awaitTold waits until every Watch has told what is known, and no longer than toldWait.
func (r *Registrar) awaitTold(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, toldWait)
	defer cancel()
	for {
		r.mu.Lock()
		next, all := r.changed, true
		for _, t := range r.watchers {
			all = all && !r.behind(t)
		}
		r.mu.Unlock()
		if all {
			return
		}
		select {
		case <-next:
		case <-ctx.Done():
			return
		}
	}
}
