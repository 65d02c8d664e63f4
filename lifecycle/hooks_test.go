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
		third := hookLimit / 3
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

// All hooks together get hookLimit, and not much more where one does not heed its context.
func TestHooksThatHangTakeHookLimit(t *testing.T) {
	for hooks := range 4 {
		synctest.Test(t, func(t *testing.T) {
			released := make(chan struct{})
			defer close(released)
			r := newRig(t)
			for range hooks + 1 {
				WithOnStop(func(context.Context) error { <-released; return nil })(&r.config)
			}
			r.run(t)
			r.terminate()
			<-r.result
			for _, p := range r.Report().Phases {
				if p.Name == "hooks" && p.Took > hookLimit+leastWait {
					t.Errorf("%d hooks that hang took %v, want %v", hooks+1, p.Took, hookLimit)
				}
			}
			if got := len(r.Report().Abandoned); got != hooks+1 {
				t.Errorf("Report.Abandoned = %q, want %d hooks", r.Report().Abandoned, hooks+1)
			}
		})
	}
}

// One that heeds its context needs a moment to return, and is not abandoned.
func TestHookThatHeedsItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithOnStop(func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(10 * time.Millisecond)
			return context.Cause(ctx)
		}))
		r.run(t)
		r.terminate()
		if err := <-r.result; !errors.Is(err, errHookLimit) || len(r.Report().Abandoned) > 0 {
			t.Errorf("Run() = %v, abandoned %q; want the limit, and nothing", err, r.Report().Abandoned)
		}
	})
}

// A hook may have to do with another Manager: its errors are a hook's.
func TestHookWhoseErrorIsOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithOnStop(func(context.Context) error { return errors.Join(errBroken, ErrNotQuiet, ErrForcedStop) }))
		r.run(t)
		r.terminate()
		if err := <-r.result; !errors.Is(err, errBroken) {
			t.Errorf("Run() = %v, want the error of the hook", err)
		}
		if got := r.Report(); got.Forced || got.Outcome != OutcomeStopped {
			t.Errorf("forced %t, outcome %q; want false, stopped", got.Forced, got.Outcome)
		}
	})
}
