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

// A reconciler owns one registrar: it brings the instance to where it was last asked to be, listed or absent, one call
// at a time, and remembers what came of it. Its state is guarded by the Manager's lock, so that it changes in one step
// with the rest; noted is called at each change of its state, with the lock held.
type reconciler struct {
	registrar Registrar
	name      string
	log       *slog.Logger
	noted     func()

	settle *time.Duration // nil where the registrar says nothing

	mu *sync.Mutex
	request
	registration
	changes map[changeCause]int64
	calling []string      // the methods of the registrar that have not returned
	changed chan struct{} // closed and replaced at each change
}

// A request is what the instance was last asked to be.
type request struct {
	listed bool
	by     time.Time               // the limit of a Deregister that begins now
	since  time.Time               // when it was asked for
	again  bool                    // asked for the same meanwhile: a Deregister that is not confirmed is repeated
	asked  uint64                  // grows with every request
	done   uint64                  // the last request that was carried out
	cancel context.CancelCauseFunc // of the call under way
}

func newReconciler(r Registrar, name string, log *slog.Logger, mu *sync.Mutex, noted func()) *reconciler {
	k := &reconciler{
		registrar: r, name: name, log: log.With("registrar", name), noted: noted,
		mu: mu, registration: registration{state: Unregistered}, changes: make(map[changeCause]int64), changed: make(chan struct{}),
	}
	if s, ok := r.(settler); ok {
		settle := s.Settle()
		k.settle = &settle
	}
	return k
}

// announce asks for the instance to be listed. It is called with the lock held.
func (k *reconciler) announce() { k.ask(true, time.Time{}) }

// withdraw asks for the instance to be absent; Deregister is given until by. It is called with the lock held.
func (k *reconciler) withdraw(by time.Time) { k.ask(false, by) }

// ask does not disturb a request for the same.
func (k *reconciler) ask(listed bool, by time.Time) {
	if k.asked > 0 && k.listed == listed && (k.done != k.asked || k.state != Unconfirmed) {
		k.again = k.again || k.done != k.asked && by.After(k.by)
		k.by = by
		return
	}
	k.listed, k.by, k.since, k.again, k.final = listed, by, time.Now(), false, nil
	k.asked++
	if k.cancel != nil {
		k.cancel(errNewGoal)
	}
	k.notify()
}

// notify is called with the lock held.
func (k *reconciler) notify() {
	close(k.changed)
	k.changed = make(chan struct{})
}

// run carries out requests until ctx ends.
func (k *reconciler) run(ctx context.Context, addr net.Addr) {
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
		k.cancel = nil
		if k.again && k.state == Unconfirmed && asked == k.asked && time.Now().Before(k.by) {
			k.since = time.Now()
		} else {
			k.done = asked
		}
		k.again = false
		k.notify()
		k.mu.Unlock()
	}
}

// register repeats Register until it succeeds or ctx ends.
func (k *reconciler) register(ctx context.Context, addr net.Addr) {
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

func (k *reconciler) published() string {
	if p, ok := k.registrar.(publisher); ok {
		return p.Published()
	}
	return ""
}

// isKnown asks, while no Register is under way, whether consumers may know the instance. A missing answer is none: only
// the registrar can say that nothing was published.
func (k *reconciler) isKnown() bool {
	if _, ok := k.registrar.(publisher); ok {
		return k.published() != ""
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.known
}

func (k *reconciler) deregister(ctx context.Context) {
	k.mu.Lock()
	limit := time.Until(k.by)
	if time.Since(k.since) > deregisterGrace { // it begins behind a Register that did not heed its context
		limit = max(limit, deregisterLeast)
	}
	k.mu.Unlock()
	// Without a deadline: what a registrar makes of one that is near is not to depend on the budget.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer time.AfterFunc(limit, func() { cancel(errWithdrawLimit) }).Stop()
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

func (k *reconciler) stand(s RegistrarState, err error) {
	failure := ""
	if err != nil {
		failure = err.Error() // of the registrar's: without the lock
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case s == Registered:
		k.changes[changeRegister]++
	case s == Withdrawn:
		k.changes[changeDeregister]++
	}
	k.to(s, err, failure, k.listed, time.Now())
	k.noted()
	k.notify()
}

// hold takes what an operator did, see registration.heldBy. It is called with the lock held.
func (k *reconciler) hold(offline bool) (matters, atStart bool) {
	before := k.presence
	matters, atStart = k.heldBy(offline, k.listed, time.Now())
	if matters && k.presence != before {
		k.changes[changeOperator]++
	}
	if matters {
		k.notify()
	}
	return matters, atStart
}
