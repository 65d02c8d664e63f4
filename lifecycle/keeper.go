// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

const (
	registerBackoffMin = 500 * time.Millisecond
	registerBackoffMax = 15 * time.Second
)

// errNewGoal is the cause that a registrar sees when its call is no longer wanted.
var errNewGoal = errors.New("lifecycle: superseded by the next request")

// A keeper owns one registrar: it brings the instance to where it was last asked to be, listed or absent, one call at
// a time, and remembers what came of it. Its state is guarded by the Manager's lock, so that it changes in one step with
// the rest; noted is called at each change of its standing, with the lock held.
type keeper struct {
	registrar Registrar
	name      string
	log       *slog.Logger
	noted     func()

	mu         *sync.Mutex
	listed     bool                    // the goal
	by         time.Time               // the limit of a withdrawal
	since      time.Time               // when it was asked for
	limit      *time.Timer             // ends a Deregister under way at by
	asked      uint64                  // grows with every request
	done       uint64                  // the last request that was carried out
	cancel     context.CancelCauseFunc // of the call under way
	standing   Standing
	err        error
	failure    string    // its text
	final      error     // of a Register that no other try will mend
	inUse      bool      // the registrar is somebody else's
	known      bool      // consumers may know the instance
	absent     time.Time // since when: confirmed, held by an operator, or given up
	seen       bool      // the absence was seen: confirmed, or made by an operator
	held       bool      // an operator holds the instance offline
	everListed bool
	fresh      bool          // registered, and Watch has not told yet how the registry holds it
	settle     time.Duration // zero where the registrar says nothing
	settles    bool          // it says something
	underWay   []string      // the methods of the registrar that have not returned
	changed    chan struct{} // closed and replaced at each change
}

func newKeeper(r Registrar, number int, log *slog.Logger, mu *sync.Mutex, noted func()) *keeper {
	name := fmt.Sprintf("registrar %d", number)
	if s, ok := r.(fmt.Stringer); ok {
		name = s.String()
	}
	k := &keeper{
		registrar: r, name: name, log: log.With("registrar", name), noted: noted,
		mu: mu, standing: Unregistered, changed: make(chan struct{}),
	}
	if s, ok := r.(settler); ok {
		k.settle, k.settles = s.Settle(), true
	}
	return k
}

// announce asks for the instance to be listed. It is called with the lock held.
func (k *keeper) announce() { k.request(true, time.Time{}) }

// withdraw asks for the instance to be absent; Deregister is given until by. It is called with the lock held.
func (k *keeper) withdraw(by time.Time) { k.request(false, by) }

func (k *keeper) request(listed bool, by time.Time) {
	if k.asked > 0 && k.listed == listed && k.suffices(by) {
		return
	}
	k.listed, k.by, k.since, k.final = listed, by, time.Now(), nil
	k.asked++
	if k.cancel != nil {
		k.cancel(errNewGoal)
	}
	k.notify()
}

// suffices tells that the last request, for the same, needs no repetition; one under way is given until by. It is called
// with the lock held.
func (k *keeper) suffices(by time.Time) bool {
	switch {
	case k.done == k.asked:
		return k.standing != Unconfirmed
	case !by.After(k.by):
		return true
	}
	k.by = by
	if k.limit == nil {
		return k.standing != Unconfirmed // it has not begun, or has just ended
	}
	return k.limit.Reset(time.Until(by)) // false: it is being given up right now
}

// notify is called with the lock held.
func (k *keeper) notify() {
	close(k.changed)
	k.changed = make(chan struct{})
}

// run carries out requests until ctx ends.
func (k *keeper) run(ctx context.Context, addr net.Addr) {
	for ctx.Err() == nil {
		k.mu.Lock()
		asked, idle, listed, changed := k.asked, k.done == k.asked, k.listed, k.changed
		var call context.Context
		if !idle {
			call, k.cancel = context.WithCancelCause(ctx)
		}
		k.mu.Unlock()
		switch {
		case idle:
			select {
			case <-ctx.Done():
				return
			case <-changed:
			}
			continue
		case listed:
			k.register(call, addr)
		default:
			k.deregister(call)
		}
		k.mu.Lock()
		k.cancel(nil)
		k.cancel, k.done = nil, asked
		k.notify()
		k.mu.Unlock()
	}
}

// register repeats Register until it succeeds or ctx ends.
func (k *keeper) register(ctx context.Context, addr net.Addr) {
	began, backoff := time.Now(), registerBackoffMin
	k.stand(Registering, nil)
	for ctx.Err() == nil {
		err := k.call("Register", func() error { return k.registrar.Register(ctx, addr) })
		if err == nil {
			k.stand(Registered, nil)
			k.log.Info("registered", "took", time.Since(began).Round(time.Millisecond), "published", k.published())
			return
		}
		if ctx.Err() != nil {
			return
		}
		if isPermanent(err) {
			k.giveUp(err)
			return
		}
		k.stand(Registering, err)
		pause := backoff/2 + rand.N(backoff) // a registry's restart meets all instances at once
		k.log.Warn("not registered, will try again", "err", err, "in", pause.Round(time.Millisecond))
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		backoff = min(2*backoff, registerBackoffMax)
	}
}

func (k *keeper) published() string {
	if p, ok := k.registrar.(publisher); ok {
		return p.Published()
	}
	return ""
}

// giveUp is for a Register that no other try will mend.
func (k *keeper) giveUp(err error) {
	k.stand(Unregistered, err)
	k.log.Error("not registered, and trying again is no use", "err", err)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.final, k.inUse = err, isInUse(err)
	k.notify()
}

func isPermanent(err error) bool {
	e, ok := errors.AsType[interface {
		error
		Permanent() bool
	}](err)
	return ok && e.Permanent() || isInUse(err)
}

func isInUse(err error) bool {
	e, ok := errors.AsType[interface {
		error
		InUse() bool
	}](err)
	return ok && e.InUse()
}

// isKnown asks, while no Register is under way, whether consumers may know the instance. A missing answer is none: only the
// registrar can say that nothing was published.
func (k *keeper) isKnown() bool {
	if _, ok := k.registrar.(publisher); ok {
		return k.published() != ""
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.known
}

func (k *keeper) deregister(ctx context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	k.mu.Lock()
	limit := time.Until(k.by)
	if time.Since(k.since) > deregisterGrace { // it begins behind a Register that did not heed its context
		limit = max(limit, deregisterLeast)
	}
	k.limit = time.AfterFunc(limit, func() { cancel(errWithdrawLimit) })
	k.mu.Unlock()
	k.stand(Withdrawing, nil)
	known := k.isKnown()
	k.mu.Lock()
	k.known = known
	k.mu.Unlock()
	if err := k.call("Deregister", func() error { return k.registrar.Deregister(ctx) }); err != nil {
		k.stand(Unconfirmed, fmt.Errorf("lifecycle: withdraw from %s: %w", k.name, err))
		return
	}
	k.stand(Withdrawn, nil)
}

func (k *keeper) stand(s Standing, err error) {
	failure := ""
	if err != nil {
		failure = err.Error() // of the registrar's: without the lock
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.standing, k.err, k.failure = s, err, failure
	switch s {
	case Registering, Registered: // a Register that has not returned, or has failed, may have listed it
		k.everListed, k.known = k.everListed || s == Registered, true
		k.fresh = k.fresh || s == Registering
		if !k.held {
			k.seen, k.absent = false, time.Time{}
		}
	case Withdrawn, Unconfirmed:
		k.limit.Stop()
		k.limit = nil
		if !k.held {
			k.absent = time.Now()
		}
		// An operator may have put it online in between: what was seen before counts for since when, not for whether. Once it
		// is to be listed again, what they do counts for then.
		if !k.listed {
			k.seen, k.held = s == Withdrawn, false
		}
	}
	k.noted()
	k.notify()
}

// hold records what an operator did. It reports whether that matters: an instance that we withdraw is not held by
// anybody else; and whether it was so already when the instance was registered. It may be told before Register has
// returned. It is called with the lock held.
func (k *keeper) hold(offline bool) (matters, atStart bool) {
	if !k.listed {
		if !offline && k.held { // listed again before we withdrew: the absence begins anew
			k.held, k.seen, k.absent = false, false, time.Time{}
		}
		return false, false
	}
	atStart, k.fresh = k.fresh, false
	switch {
	case !offline:
		k.absent = time.Time{}
	case !k.held: // else it is told again
		k.absent = time.Now()
	}
	k.held, k.seen = offline, offline
	k.notify()
	return true, atStart
}
