// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"sync"
	"time"
)

// An offline is one way from serving to draining, where it stays, or to stopped.
type offline struct {
	plan      plan
	stays     bool // Drain and Park: it ends when the instance is quiet
	withdraws bool
	cancel    context.CancelCauseFunc // ends its patience
	done      chan struct{}
	err       error // once done

	// Of the goroutine that runs it.
	absent      time.Time // since when no registrar lists the instance any more
	told        time.Time // when streams were told; zero before
	unconfirmed bool
	stopped     <-chan struct{} // closed when all servers have stopped

	mu     sync.Mutex
	report Report
}

// undone tells that a drain that stays has ended early: undone, begun anew, or taken over by Shutdown.
func (o *offline) undone(ctx context.Context) bool { return o.stays && ctx.Err() != nil }

func (o *offline) over() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

// newOffline begins an offline. It is called with the lock held. withdraws is false for a drain of an instance that an
// operator holds.
func (m *Manager) newOffline(ctx context.Context, trigger string, budget time.Duration, stays, withdraws bool) *offline {
	now := time.Now()
	o := &offline{plan: newPlan(now, budget), stays: stays, withdraws: withdraws, done: make(chan struct{})}
	o.report = Report{Trigger: trigger, Policy: m.policy, Began: now, AtTrigger: m.counts()}
	if m.drained.IsZero() {
		m.drained = now
	}
	m.last = o
	m.setState(Draining)
	m.log.Info("offline begins", "trigger", trigger, "policy", m.policy, "stays", stays, "budget", budget)

	caller := context.WithoutCancel(ctx)
	ctx, o.cancel = context.WithCancelCause(caller)
	run := func() {
		defer close(o.done)
		defer o.cancel(errOver)
		if !stays {
			patience, cancel := context.WithDeadlineCause(ctx, o.plan.forceAt, errBudget)
			defer cancel()
			ctx = patience
		}
		o.err = m.offline(ctx, o)
		m.conclude(caller, o)
	}
	if stays {
		m.work.Go(run) // the offline that ends everything waits for it
	} else {
		go run() // waited for by Run and Shutdown
	}
	return o
}

// offline takes the instance out of traffic. It is the picture of the package documentation, from top to bottom; ctx
// is its patience: once that has ended, the waits are over and what is left is forced. A drain that stays ends with
// quiet.
func (m *Manager) offline(ctx context.Context, o *offline) error {
	var errs []error
	step := func(phase string, run func(context.Context, *offline) error) {
		errs = append(errs, m.phase(ctx, o, phase, run))
	}
	step("announce", m.lame)
	step("withdraw", m.withdraw)
	switch m.policy {
	case Lossless:
		step("settle", m.settleDown)
	case Strict:
		step("refuse", m.refuse)
	}
	if m.streamNotice == AtWithdrawn {
		step("notice", m.tellStreams)
	}
	if m.policy == Strict {
		step("idle", m.idle)
	}
	step("quiet", m.quieten)
	if o.stays {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return errors.Join(errs...)
	}
	step("goaway", m.gracefulStop)
	step("notice", m.notice)
	step("streams", m.awaitStreams)
	step("end", m.endStreams)
	step("calls", m.awaitCalls)
	step("force", m.forceStop)
	step("hooks", m.runHooks)
	step("close", m.closeRegistrars)
	return errors.Join(errs...)
}

// phase runs one phase, and writes it down in the report and the log. What it returns is part of the error
// of the offline.
func (m *Manager) phase(ctx context.Context, o *offline, name string, run func(context.Context, *offline) error) error {
	if o.undone(ctx) {
		return nil
	}
	began := time.Now()
	err := run(ctx, o)
	took := time.Since(began)
	if errors.Is(err, errSkipped) {
		return nil
	}
	p := Phase{Name: name, After: began.Sub(o.plan.trigger), Took: took}
	counts := m.counts()
	args := []any{"phase", name, "took", took.Round(time.Millisecond),
		"unary", counts.Unary, "streams", counts.Streams, "late", counts.Late, "refused", counts.Refused}
	if err != nil {
		p.Error = err.Error()
		args = append(args, "err", err)
	}
	m.log.Info("offline", args...)
	o.note(func(r *Report) { r.Phases = append(r.Phases, p) })
	if (name == "idle" || name == "quiet") && !o.stays {
		return nil // GOAWAY moves whoever still calls
	}
	return err
}

// errSkipped is returned by a phase that had nothing to do and is not worth a line.
var errSkipped = errors.New("lifecycle: skipped")

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
