// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"errors"
	"slices"
	"time"
)

// news is what Watch has to tell.
type news struct {
	at     time.Time // when it may be known
	online bool
	state  bool // after a Register: how the registry holds the instance
	early  bool // an operator was there before Register had returned: it may be taken for what was found
}

// registered is called when Register returns nil: Watch tells how the registry holds the instance.
func (r *registrar) registered() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.registering, r.succeeded = false, true
	if r.watching && len(r.news) == 0 {
		r.say(news{at: time.Now(), state: true})
	}
}

// operated is called when an operator has clicked, with the registry's lock held.
func (r *registrar) operated(online bool, lead time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.say(news{at: time.Now().Add(lead), online: online, early: r.registering})
	if online {
		r.absent = time.Time{} // others may find it from here on
	}
	time.AfterFunc(lead+2*r.registry.spread+time.Second, r.checkWatched)
}

// say is called with the lock held.
func (r *registrar) say(n news) {
	r.news = append(r.news, n)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// behind tells that Watch has something to tell.
func (r *registrar) behind() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.watching && len(r.news) > 0
}

// checkWatched looks whether anybody listens to operators.
func (r *registrar) checkWatched() {
	r.mu.Lock()
	registered := r.outcome == errNotAsked && !r.registering && !r.closed
	missed := registered && !r.watching
	r.mu.Unlock()
	if missed && !r.instance.leaving() {
		r.instance.complain("what operators do is not watched")
	}
}

// Watch tells how the registry holds the instance, then what operators did since, and again after each Register.
func (r *registrar) Watch(ctx context.Context, changed func(online bool)) error {
	defer r.watch(false)
	for told := false; !told; {
		for n := r.next(nil); n != nil; n = r.next(n) { // clicks from before are part of how it is held
			if !sleep(ctx, time.Until(n.at)) {
				return context.Cause(ctx)
			}
		}
		r.watch(true)
		told = r.tell(changed, news{state: true})
	}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.wake:
		}
		for n := r.next(nil); n != nil; n = r.next(n) {
			if !sleep(ctx, time.Until(n.at)) {
				return context.Cause(ctx)
			}
			r.tell(changed, *n)
		}
	}
}

func (r *registrar) watch(watching bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watching = watching
}

// next returns what is to be told, or nil; told is off the list.
func (r *registrar) next(told *news) *news {
	r.mu.Lock()
	defer r.mu.Unlock()
	if told != nil {
		r.news = r.news[1:]
	}
	if len(r.news) == 0 {
		return nil
	}
	n := r.news[0]
	return &n
}

// tell reports false where it has not told how the instance is held, because an operator was faster: what they did will
// be told in its time.
func (r *registrar) tell(changed func(bool), n news) bool {
	if n.state {
		n.online = !r.heldByOperator()
	}
	r.mu.Lock()
	waiting := len(r.news)
	if n.state && waiting > 0 && !(waiting == 1 && r.news[0].state) {
		r.mu.Unlock()
		return false
	}
	before := r.known
	n.early = n.early || r.registering
	// An instance that is withdrawn, or was asked to be, is not held by anybody else. One that they have put online
	// since is not absent.
	r.held = !n.online && !r.withdrawing && errors.Is(r.outcome, errNotAsked)
	again := slices.ContainsFunc(r.news, func(n news) bool { return n.online && !n.state })
	if r.held && !again && (r.absent.IsZero() || !n.state) {
		r.absent = time.Now()
	}
	r.mu.Unlock()
	changed(n.online)
	if waiting <= 1 {
		r.instance.checkTold(n, before)
	}
	return true
}

func (r *registrar) heldByOperator() bool {
	r.registry.mu.Lock()
	defer r.registry.mu.Unlock()
	e := r.registry.entries[r.addr]
	return e != nil && e.owner == r && e.offline
}
