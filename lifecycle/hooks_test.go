// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A hook that hangs must not take the time of those after it, and each is given its share.
func TestHooksRunInReverseOrderAndShareTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shares []time.Duration
		share := func(ctx context.Context) {
			deadline, _ := ctx.Deadline()
			shares = append(shares, time.Until(deadline))
		}
		r := newRig(t,
			WithOnStop(func(ctx context.Context) error { share(ctx); return nil }),
			WithOnStop(func(ctx context.Context) error { share(ctx); return hang(ctx) }))
		r.run(t)
		r.terminate()
		if err := <-r.result; !errors.Is(err, errHookLimit) {
			t.Errorf("Run() = %v, want the limit of the last hook", err)
		}
		r.at(t, "hook") // the first one of three is the rig's
		third := HookLimit / 3
		if len(shares) != 2 || (shares[0]-third).Abs() > time.Millisecond || (shares[1]-third).Abs() > time.Millisecond {
			t.Errorf("shares = %v, want %v for the last hook and the one before", shares, third)
		}
	})
}

// Where the budget is used up, hooks may still look at their context, and it has not ended because a stop was forced.
func TestHooksAfterAForcedStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left time.Duration
		var ended error
		r := newRig(t, WithOnStop(func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			left, ended = time.Until(deadline), ctx.Err()
			return nil
		}))
		r.run(t)
		r.calls.set(1, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		if err := r.Shutdown(ctx); !errors.Is(err, ErrForcedStop) {
			t.Errorf("Shutdown() = %v, want ErrForcedStop", err)
		}
		<-r.result
		if left != hookMin/2 || ended != nil {
			t.Errorf("the hook had %v, its context's error %v; want %v, nil", left, ended, hookMin/2)
		}
	})
}
