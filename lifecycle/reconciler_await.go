// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"slices"
	"time"
)

// await blocks until the last request was carried out and returns what came of it; when ctx ends first, over is false
// and err the cause.
func (k *reconciler) await(ctx context.Context) (over bool, err error) {
	err = k.until(ctx, nil, func() (bool, error) {
		over = k.done == k.asked
		return over, k.err
	})
	return over, err
}

// awaitListed blocks until Register has returned nil for the first time, or an error that no other try will mend;
// ErrStopping when stopping closes before.
func (k *reconciler) awaitListed(ctx context.Context, stopping <-chan struct{}) error {
	return k.until(ctx, stopping, func() (bool, error) { return k.ever || k.final != nil, k.final })
}

// awaitRegistered blocks until Register has returned nil for the first time.
func (k *reconciler) awaitRegistered(ctx context.Context) error {
	return k.until(ctx, nil, func() (bool, error) { return k.ever, nil })
}

// awaitAnnounced blocks until the last announcement was carried out; ErrDrainedAgain when the opposite was asked for.
func (k *reconciler) awaitAnnounced(ctx context.Context, stopping <-chan struct{}) error {
	return k.until(ctx, stopping, func() (bool, error) {
		if !k.listed {
			return true, ErrDrainedAgain
		}
		return k.done == k.asked, k.final
	})
}

// until blocks until ok, which is called with the lock held.
func (k *reconciler) until(ctx context.Context, stopping <-chan struct{}, ok func() (bool, error)) error {
	for {
		k.mu.Lock()
		over, err := ok()
		changed := k.changed
		k.mu.Unlock()
		if over {
			return err
		}
		select {
		case <-stopping:
			return ErrStopping
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// isHeld is called with the lock held.
func (k *reconciler) isHeld() bool { return k.presence == presenceHeld && k.listed }

// because adds to err what is wrong with the registration.
func (k *reconciler) because(err error) error {
	k.mu.Lock()
	last, final := k.err, k.final
	k.mu.Unlock()
	if err == final {
		return err
	}
	if last == nil {
		last = k.failing()
	}
	return errors.Join(err, last)
}

// failing is what the registrar says of a Register that is under way.
func (k *reconciler) failing() error {
	if f, ok := k.registrar.(failing); ok {
		return f.Failure()
	}
	return nil
}

// absence returns since when the instance is not listed here, and whether that was seen. It is zero while listed.
func (k *reconciler) absence() (since time.Time, seen bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.registration.absence()
}

// isSecret tells that nobody can know of the instance here, so that nobody has to learn that it has gone.
func (k *reconciler) isSecret() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.inUse || !k.known && k.presence != presenceHeld && !slices.Contains(k.calling, "Register")
}
