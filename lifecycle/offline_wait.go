// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"time"
)

func (o *offline) hasStopped() bool {
	select {
	case <-o.stopped:
		return true
	default:
		return false
	}
}

// awaitStopped waits until all servers have stopped, but no longer than d and than ctx, and reports whether they have.
func (o *offline) awaitStopped(ctx context.Context, d time.Duration) bool {
	if o.hasStopped() {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-o.stopped:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return o.hasStopped()
}

// poll waits while busy says so, but no longer than by, ctx and the servers.
func (o *offline) poll(ctx context.Context, by time.Time, busy func() bool) error {
	if !busy() {
		return errSkipped
	}
	for time.Now().Before(by) && busy() && ctx.Err() == nil {
		if o.awaitStopped(ctx, min(idlePoll, time.Until(by))) {
			break
		}
	}
	return nil
}

// pause waits until t, or until ctx ends, and reports whether t was reached.
func pause(ctx context.Context, t time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	default:
	}
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// ended waits for done, but no longer than limit, which may be the limit of several waits.
func ended(limit context.Context, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
	}
	select {
	case <-done:
		return true
	case <-limit.Done():
		return false
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// awaitQuiet looks at a count that grows with the traffic until it has stood still for quiet, or for all of the time
// where the limit leaves no more. The window starts again when a look was late: on a starved machine standing still
// looks like silence. It reports false at the limit and when ctx ends.
func awaitQuiet(ctx context.Context, quiet time.Duration, limit time.Time, traffic func() uint64) bool {
	poll := min(max(quiet/10, time.Millisecond), 50*time.Millisecond)
	since, last := time.Now(), traffic()
	if quiet = min(quiet, limit.Sub(since)); quiet <= 0 {
		return false
	}
	for look := since; look.Sub(since) < quiet; {
		next := look.Add(poll)
		if end := since.Add(quiet); end.Before(next) {
			next = end
		}
		if next.After(limit) || !pause(ctx, next) {
			return false
		}
		now, count := time.Now(), traffic()
		if count != last || now.Sub(look) > 2*poll+quiet/4 {
			since, last = now, count
		}
		look = now
	}
	return true
}
