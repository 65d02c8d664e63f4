// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// An offline is one way from serving to draining, where it stays, or to stopped.
type offline struct {
	plan      plan
	stays     bool // Drain and Park: it ends when the instance is quiet
	withdraws bool
	freezes   bool                    // readiness stays as it was at the trigger
	cancel    context.CancelCauseFunc // ends its patience; of a drain that stays: undoes it
	done      chan struct{}
	err       error // once done

	// Of the goroutine that runs it.
	absent      time.Time // since when no registrar lists the instance any more
	told        time.Time // when streams were told; zero before
	unconfirmed bool
	proofs      []*proof
	stopProofs  context.CancelFunc
	stopped     <-chan struct{} // closed when all servers have stopped

	left atomic.Bool // calls go on although all servers say that they have stopped

	mu     sync.Mutex
	report Report
}

// undone tells that a drain that stays is not in force any more: undone, begun anew, or taken over by Shutdown.
func (o *offline) undone(ctx context.Context) bool { return o.stays && ctx.Err() != nil }

func (o *offline) over() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

// begin begins an offline: the instance is a lame duck from here on, and state, calls and health change in one step. It is
// called with the lock held. caller is for the trace.
func (m *Manager) begin(caller context.Context, o *offline, trigger string) {
	if m.drained.IsZero() {
		m.drained = o.plan.trigger
	}
	o.report = Report{
		Trigger: trigger, Policy: m.policy, Began: o.plan.trigger, AtTrigger: m.counts(),
		Phases: []Phase{{Name: "announce"}},
	}
	m.last = o
	m.announceLeave()
	m.setState(Draining)
	m.log.Info("offline begins", "trigger", trigger, "policy", m.policy, "stays", o.stays, "budget", o.plan.budget())

	caller = context.WithoutCancel(caller)
	ctx, cancel := context.WithCancelCause(caller)
	o.cancel = cancel
	if o.stays {
		m.work.Go(func() { m.run(ctx, caller, o) }) // the offline that ends everything waits for it
		return
	}
	go func() { // waited for by Run and Shutdown
		defer cancel(errOver)
		patience, cancel := context.WithDeadlineCause(ctx, o.plan.forceAt, errBudget)
		defer cancel()
		m.run(patience, caller, o)
	}()
}

func (m *Manager) run(ctx, caller context.Context, o *offline) {
	defer close(o.done)
	o.err = m.offline(ctx, o)
	m.conclude(caller, o)
}

// offline takes the instance out of traffic. It is the picture of the package documentation, from top to bottom, but for
// announce, which begin has done; ctx is its patience: once that has ended, the waits are over and what is left is forced.
// A drain that stays ends with quiet.
func (m *Manager) offline(ctx context.Context, o *offline) error {
	var errs []error
	step := func(phase string, run func(context.Context, *offline) error) {
		errs = append(errs, m.phase(ctx, o, phase, run))
	}
	step("successor", m.awaitSuccessor)
	step("withdraw", m.withdraw)
	switch m.policy {
	case Lossless:
		step("settle", m.settleDown)
		step("health", m.tellWatches)
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
	step("proof", m.proveGone)
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
	switch {
	case name == "successor":
		return nil // an instance without one has to be able to go
	case (name == "idle" || name == "quiet") && !o.stays:
		return nil // GOAWAY moves whoever still calls
	case err != nil && (name == "withdraw" || name == "proof" || name == "close"):
		return harmless{err}
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
