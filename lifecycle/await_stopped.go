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
