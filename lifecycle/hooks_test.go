// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"slices"
	"strings"
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
		third := (DefaultBudget - r.at(t, "GracefulStop") - goAwayLead) / 3
		if len(shares) != 2 || (shares[0]-third).Abs() > goAwayLead || (shares[1]-third).Abs() > goAwayLead {
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

// All hooks together get what is left of the budget, and not much more where one does not heed its context.
func TestHooksThatHangTakeTheBudget(t *testing.T) {
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
				if end := p.After + p.Took; p.Name == "hooks" && end > DefaultBudget+leastWait {
					t.Errorf("%d hooks that hang took until %v, want %v at most", hooks+1, end, DefaultBudget)
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

// What a worker has to flush may take what the calls did not need.
func TestHookThatTakesWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flushed := false
		r := newRig(t, WithOnStop(func(ctx context.Context) error {
			flushed = pause(ctx, time.Now().Add(4*time.Second))
			return context.Cause(ctx)
		}))
		r.run(t)
		r.terminate()
		if err := <-r.result; err != nil || !flushed {
			t.Errorf("Run() = %v, flushed %t; want nil, true", err, flushed)
		}
	})
}

// Hooks have their time also when calls are cut, where there are any.
func TestTimeIsKeptForHooks(t *testing.T) {
	for _, c := range []struct {
		name string
		opts []Option
		want time.Duration // of the forced stop
	}{
		{"hooks", nil, DefaultBudget - hooksKept - forceBeforeEnd},
		{"a stage", []Option{func(c *config) { c.onStop = nil }, WithStage("flush", 0, func(context.Context) error { return nil })}, DefaultBudget - hooksKept - forceBeforeEnd},
		{"nothing", []Option{func(c *config) { c.onStop = nil }}, DefaultBudget - forceBeforeEnd},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c.opts...)
				r.run(t)
				r.calls.set(1, 0)
				r.terminate()
				if err := <-r.result; !errors.Is(err, ErrForcedStop) {
					t.Errorf("Run() = %v, want ErrForcedStop", err)
				}
				for _, p := range r.Report().Phases {
					if p.Name == "force" && (p.After-c.want).Abs() > goAwayLead {
						t.Errorf("forced %v after the trigger, want %v", p.After, c.want)
					}
				}
			})
		})
	}
}

func TestStagesRunInTheirOrderBeforeTheHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *rig
		stage := func(name string, took time.Duration) func(context.Context) error {
			return func(ctx context.Context) error {
				r.add(name)
				pause(ctx, time.Now().Add(took))
				return context.Cause(ctx)
			}
		}
		r = newRig(t,
			WithStage("queue", 0, stage("queue", time.Second)),
			WithStage("never", time.Minute, nil),
			WithStage("worker", 2*time.Second, stage("worker", time.Hour)),
			WithStage("last", 0, stage("last", time.Hour)))
		r.run(t)
		r.terminate()
		err := <-r.result
		if !errors.Is(err, errHookLimit) || !strings.Contains(err.Error(), "stage worker") {
			t.Errorf("Run() = %v, want the limit of a stage, and which", err)
		}
		events := r.events()
		if i := slices.Index(events, "queue"); i < 0 || !slices.Equal(events[i:], []string{"queue", "worker", "last", "hook", "nacos.Close"}) {
			t.Errorf("events %q, want the stages in their order, then the hooks", events)
		}
		took := map[string]time.Duration{}
		for _, p := range r.Report().Phases {
			took[p.Name] = p.Took
		}
		if took["stage queue"] != time.Second || took["stage worker"] != 2*time.Second {
			t.Errorf("phases %v, want a second for the queue, two for the worker", took)
		}
		if hook := r.at(t, "hook"); hook != DefaultBudget-hooksKept {
			t.Errorf("the hooks began after %v, want what is kept for them", hook)
		}
	})
}

func TestStagesThatHaveNoNameOfTheirOwn(t *testing.T) {
	do := func(context.Context) error { return nil }
	for want, opts := range map[string][]Option{
		"WithStage: stage 2 has no name":      {WithStage("a", 0, do), WithStage("", 0, do)},
		`WithStage: two stages are named "a"`: {WithStage("a", 0, do), WithStage("a", 0, do)},
	} {
		m := New(&fakeServer{}, opts...)
		if err := m.Start(t.Context(), fakeListener{}.Addr()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start() = %v, want %s", err, want)
		}
	}
}

// Whoever forces the end while a hook hangs does not wait for the rest of the budget.
func TestForceHurriesHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithStage("worker", 0, hang), WithOnStop(hang))
		r.run(t)
		r.terminate()
		time.Sleep(6 * time.Second)
		forced := time.Now()
		r.Force()
		r.Force()
		if err := <-r.result; !errors.Is(err, errHookLimit) {
			t.Errorf("Run() = %v, want the limit of the hooks", err)
		}
		r.at(t, "hook")
		if took := time.Since(forced); took > hooksKept+100*time.Millisecond || r.Report().Forced {
			t.Errorf("Run took %v after Force, forced %t; want %v at most, and nothing cut", took, r.Report().Forced, hooksKept)
		}
	})
}
