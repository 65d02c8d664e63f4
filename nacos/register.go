// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// Register publishes the instance that listens on addr and blocks until the registry shows it to our own
// subscription, or until it is clear that an operator holds it offline: then it returns nil too, and Watch says so.
//
// While the registry is away, it tries again on the same connection until ctx ends; the error then wraps
// context.Cause(ctx) and the last attempt's. It returns at once where trying again is no use: ErrLogin, ErrRefused
// three times in a row, an address that cannot be had, ErrClosed. After an error of the registration itself nothing
// stays registered; a call that ends before it has begun changes nothing.
//
// Registered already, it makes sure that the instance is listed. After Deregister it registers again.
func (r *Registrar) Register(ctx context.Context, addr net.Addr) error {
	ctx, end, err := r.begin(ctx, true)
	if err != nil {
		return fmt.Errorf("nacos: register %s: %w", r.inst.Service, err)
	}
	defer end()
	place, err := publishedAt(r.inst.Addr, addr, r.outbound)
	switch {
	case errors.Is(err, errNoWayOut): // there may be one later
		return fmt.Errorf("nacos: register %s: Instance.Addr: %w", r.inst.Service, err)
	case err != nil:
		return permanentError{fmt.Errorf("nacos: register %s: Instance.Addr: %w", r.inst.Service, err)}
	}
	if err := r.claim(addr); err != nil {
		return permanentError{fmt.Errorf("nacos: register %s at %s: %w", r.inst.Service, place, err)}
	}
	defer r.fail(nil)
	r.warnOnce.Do(func() {
		if onlyHere(place, addr) {
			r.log.Warn("nacos: a loopback address is published, which consumers on other hosts cannot call: the registry is reached "+
				"over loopback; set Instance.Addr to the address of this host", "published", place.String())
		}
	})
	self := r.instanceAt(place)
	if err := r.publish(ctx, self); err != nil {
		r.retract(ctx, self)
		return fmt.Errorf("nacos: register %s %s at %v: %w", r.inst.Service, place, r.servers, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.machine.state { // Close and Deregister go on from here
	case stateClosed:
		return fmt.Errorf("nacos: register %s: %w", r.inst.Service, ErrClosed)
	case stateWithdrawn:
		return fmt.Errorf("nacos: register %s: %w", r.inst.Service, errWithdrawing)
	}
	r.leftover = false
	r.feedView()
	r.compare(r.link)
	r.namespace.Do(func() { r.keeper.Go(r.checkNamespace) })
	return nil
}

// checkNamespace warns of a namespace that nobody has created: whoever has made a typing error is alone there.
func (r *Registrar) checkNamespace() {
	ctx, cancel := context.WithTimeoutCause(context.Background(), DefaultTimeout, ErrClosed)
	defer cancel()
	r.mu.Lock()
	l := r.link
	r.mu.Unlock()
	if l != nil && l.NamespaceMissing(ctx) {
		r.log.Warn("nacos: nobody has created this namespace in the registry; only clients that name the same one find the instance",
			"namespace", r.space)
	}
}

// claim makes this the address, unless another listener's is registered.
func (r *Registrar) claim(addr net.Addr) error {
	listener := ""
	if addr != nil {
		listener = addr.Network() + " " + addr.String()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.machine.state {
	case stateRegistered, stateAbsent, stateProbing, stateOffline:
		if r.listener != listener {
			return fmt.Errorf("%w: %s (%s)", ErrInUse, hostPort(r.self), r.listener)
		}
	}
	r.listener = listener
	return nil
}

// fail remembers why a Register has not succeeded yet.
func (r *Registrar) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failing = err
}

func (r *Registrar) instanceAt(place netip.AddrPort) sdk.Instance {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.self = sdk.Instance{
		Ip: place.Addr().String(), Port: uint64(place.Port()), ClusterName: r.inst.Cluster,
		Weight: r.inst.Weight, Metadata: maps.Clone(r.inst.Metadata),
	}
	return r.self
}

// tellEvery passes between two lines of a Register that does not succeed.
const tellEvery = 15 * time.Second

// publish repeats attempts until the instance is listed, or held by an operator, or no further one makes sense.
func (r *Registrar) publish(ctx context.Context, self sdk.Instance) error {
	r.mu.Lock()
	old := r.link
	r.mu.Unlock()
	if old != nil && hostPort(old.self) != hostPort(self) {
		r.adopt(nil)
	}
	began, pause, refused := time.Now(), r.t.retryMin, 0
	var last error
	var told time.Time
	for attempt := 1; ; attempt++ {
		err := r.attempt(ctx, self)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return gaveUp(ctx, attempt, began, last)
		}
		if errors.Is(err, ErrRefused) {
			if refused++; refused == refusalsMost || errors.Is(err, ErrLogin) {
				return err
			}
		} else {
			refused = 0
			if unreachable := r.reach(ctx); unreachable != nil {
				err = fmt.Errorf("%w: %w", unreachable, err)
			}
		}
		last = err
		r.fail(err)
		if told.IsZero() || time.Since(told) >= tellEvery {
			told = time.Now()
			r.log.Warn("nacos: not registered yet, trying again", "attempt", attempt, "err", err)
		}
		if err := r.pauseUnlessListed(ctx, r.jitter(pause)); err != nil {
			return gaveUp(ctx, attempt, began, last)
		}
		pause = min(2*pause, r.t.retryMax)
	}
}

// pauseUnlessListed ends the pause when the connection has found the registry again, and has registered by itself.
func (r *Registrar) pauseUnlessListed(ctx context.Context, d time.Duration) error {
	shown := func() bool { return r.link != nil && r.link.view.shows() }
	r.mu.Lock()
	already := shown()
	r.mu.Unlock()
	_, err := r.until(ctx, d, func() bool { return !already && shown() })
	return err
}

// gaveUp is for a Register whose ctx has ended; last is nil in the first attempt.
func gaveUp(ctx context.Context, attempts int, began time.Time, last error) error {
	err := fmt.Errorf("gave up in attempt %d after %v: %w", attempts, time.Since(began).Round(time.Millisecond), context.Cause(ctx))
	if last != nil {
		err = fmt.Errorf("%w; the attempt before: %w", err, last)
	}
	return err
}

// retract cleans up after a Register that has failed: the connection goes, and with it what was published. If a
// Deregister is the reason, it goes on with the connection as it is.
func (r *Registrar) retract(ctx context.Context, self sdk.Instance) {
	r.mu.Lock()
	r.step(eventGaveUp)
	r.mu.Unlock()
	if errors.Is(context.Cause(ctx), errWithdrawing) {
		return
	}
	r.mu.Lock()
	l := r.link
	r.mu.Unlock()
	if l == nil {
		return
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.t.close/2)
	defer cancel()
	if err := l.Deregister(bounded, r.inst.Service, r.inst.Group, self); err != nil {
		r.log.Debug("nacos: deregister after a failed register", "err", err)
	}
	r.adopt(nil)
}
