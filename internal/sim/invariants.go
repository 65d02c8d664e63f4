// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"errors"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// What is promised of an instance while it lives, checked in the moment in which it is due.

// checkRegister is called at each Register: an instance is not listed before it can answer. One that an operator holds
// goes on trying, so that there is something for them to put online.
func (i *instance) checkRegister(held bool) {
	i.mu.Lock()
	accepting, serving := i.accepting, i.serving
	i.mu.Unlock()
	if !accepting || !serving && !held {
		i.complain("Register was called with accepting = %v, health serving = %v", accepting, serving)
	}
}

// checkClosed is called when Deregister returns after Close. A second signal ends both in one instant.
func (i *instance) checkClosed() {
	i.mu.Lock()
	forced := i.forced()
	i.mu.Unlock()
	if !forced {
		i.complain("Deregister was under way after Close")
	}
}

// checkListed is called when the instance gets onto the list. It may drain by then.
func (i *instance) checkListed() {
	i.mu.Lock()
	accepting := i.accepting
	i.mu.Unlock()
	if !accepting {
		i.complain("it was listed after its listener was closed")
	}
}

// checkTell is called when streams are told: once GOAWAY is out, or, where that was asked for, withdrawn and settled.
func (i *instance) checkTell() {
	known := i.registrar.what()
	i.mu.Lock()
	accepting, forced := i.accepting, i.forced()
	i.tells = append(i.tells, time.Now())
	i.mu.Unlock()
	switch early := i.schedule.EarlyNotice; {
	case !accepting:
	case !early:
		i.complain("streams were told while the listener was open")
	case i.strategy == Lossless && !forced && !known.failed() && !known.absent.IsZero() && time.Since(known.absent) < i.schedule.Settle:
		i.complain("streams were told %v after the absence, before it had settled", time.Since(known.absent))
	}
}

// checkTold is called when Watch has told what an operator did, and has no more to tell: they decide, unless the
// instance is withdrawn, or leaves. known is what was so before.
func (i *instance) checkTold(n news, known known) {
	if i.manager == nil || i.strategy != Lossless {
		return
	}
	i.mu.Lock()
	hand, stopping, acts := i.hand, !i.trigger.IsZero(), i.acts
	i.mu.Unlock()
	s := i.manager.Status()
	switch s.Registrars[0].State {
	case lifecycle.Withdrawing, lifecycle.Withdrawn, lifecycle.Unconfirmed:
		return
	}
	online := n.online
	switch exits := !s.Deadline.IsZero(); {
	case stopping || s.State >= lifecycle.Stopping:
	case online && !hand && s.State != lifecycle.Serving && !exits:
		i.complain("an operator put it online, and it is %v because of %q", s.State, s.Causes)
	case online && hand && s.State != lifecycle.Draining:
		i.complain("an operator put it online while it was drained by hand, and it is %v", s.State)
	case !online && s.State != lifecycle.Draining:
		i.complain("an operator took it offline, and it is %v", s.State)
	case !online && i.schedule.Exit && !hand && !n.state && !n.early && !exits:
		i.complain("an operator took it offline, and it does not exit")
	case !online && i.schedule.Exit && n.state && !known.held && exits:
		i.complain("it was offline when it was registered, and it exits")
	case !online && !i.schedule.Exit && exits:
		i.complain("an operator took it offline, and it exits")
	}
	if online && hand {
		time.AfterFunc(i.schedule.Budget/5+time.Second, func() { i.checkWithdrawn(acts) })
	}
}

// checkWithdrawn looks whether what an operator has put online was withdrawn for the hand that drains it.
func (i *instance) checkWithdrawn(acts int) {
	i.mu.Lock()
	same := acts == i.acts && i.trigger.IsZero()
	i.mu.Unlock()
	if same && i.registrar.registry.healthySince(10*time.Second) && i.registrar.registry.lists(i.at.name) {
		i.complain("it is listed although it is drained by hand")
	}
}

// checkShut is called when health Watches are told NOT_SERVING: only in a drain that stays, when it has settled, and
// when clients have somebody else to go to.
func (i *instance) checkShut() {
	if i.strategy != Lossless {
		return
	}
	known := i.registrar.what()
	i.mu.Lock()
	stopping := !i.trigger.IsZero()
	i.mu.Unlock()
	switch since := time.Since(known.absent); {
	case i.schedule.Virtual:
		i.complain("health Watches were told, and nothing stays drained here")
	case len(i.registrar.Others()) == 0:
		i.complain("health Watches were told while nobody else was listed")
	case !known.failed() && !known.absent.IsZero() && since < i.schedule.Settle && !stopping:
		i.complain("health Watches were told %v after the absence", since)
	}
}

// checkReady is called when readiness turns green: the instance is listed, or was, and is not held.
func (i *instance) checkReady() {
	if i.schedule.Virtual {
		return
	}
	i.registrar.mu.Lock()
	registering, listed := i.registrar.registering, i.registrar.succeeded
	i.registrar.mu.Unlock()
	if registering && !listed {
		i.complain("ready before it was listed")
	}
}

var errHung = errors.New("sim: has not returned")

// act calls Drain or Resume; each has to return by itself, at the latest when the instance has stopped.
func (i *instance) act(kind ActKind) {
	if i.manager == nil {
		return
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), 5*time.Minute, errHung)
	defer cancel()
	var acts int
	i.note(func() {
		i.acts++
		acts, i.hand = i.acts, kind == Drain
	})
	name, call, check := "Drain", i.drain, i.checkDrained
	if kind == Resume {
		name, call, check = "Resume", i.manager.Resume, i.checkResumed
	}
	err := call(ctx)
	if errors.Is(err, errHung) {
		i.complain("%s = %v after 5 minutes", name, err)
	}
	i.mu.Lock()
	alone := acts == i.acts
	i.mu.Unlock()
	if alone && !i.registrar.behind() {
		check(err)
	}
}

// checkDrained: out of the registry, for as long as it takes others to hear of it, and still draining.
func (i *instance) checkDrained(err error) {
	known, state := i.registrar.what(), i.manager.Status().State
	listed := i.registrar.registry.lists(i.at.name)
	switch since := time.Since(known.absent); {
	case err != nil && !errors.Is(err, lifecycle.ErrNotQuiet) || known.failed():
	case listed:
		i.complain("Drain returned %v, and it is listed", err)
	case state != lifecycle.Draining && !i.leaving():
		i.complain("Drain returned %v, and it is %v", err, state)
	case i.strategy == Lossless && !known.absent.IsZero() && since < i.schedule.Settle:
		i.complain("Drain returned %v, %v after the absence", err, since)
	}
}

// checkResumed: it serves and is listed, unless an operator holds it.
func (i *instance) checkResumed(err error) {
	known, state := i.registrar.what(), i.manager.Status().State
	held, listed := i.registrar.heldByOperator(), i.registrar.registry.lists(i.at.name)
	switch {
	case i.leaving():
	case err == nil && !held && state != lifecycle.Serving:
		i.complain("Resume returned nil, and it is %v", state)
	case err == nil && !held && !listed:
		i.complain("Resume returned nil, and it is not listed")
	case known.held && held && state == lifecycle.Serving:
		i.complain("Resume returned %v, and it serves while an operator holds it", err)
	case known.held && held && !errors.Is(err, lifecycle.ErrOfflineByOperator) && err != nil && !errors.Is(err, lifecycle.ErrStopping):
		i.complain("Resume returned %v, and an operator holds it", err)
	}
}

// drain is an operator's who knows what they do: the fleet may be one instance.
func (i *instance) drain(ctx context.Context) error {
	return i.manager.Drain(ctx, lifecycle.DrainLast())
}
