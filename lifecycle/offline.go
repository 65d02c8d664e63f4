// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// An offline is one way from serving to draining, where it stays, or to stopped.
type offline struct {
	kind   kind
	plan   plan
	cancel context.CancelCauseFunc // ends its patience; of a drain that stays: undoes it
	done   chan struct{}
	err    error // once done

	// Of the goroutine that runs it.
	asked       []*reconciler // to withdraw
	absent      time.Time     // since when no registrar lists the instance any more
	streamsTold time.Time     // when streams were told; zero before
	unconfirmed bool
	late        lateCounts
	hooksBy     time.Time // stages and hooks end by then
	proofs      []*proof
	stopProofs  context.CancelFunc
	stopped     <-chan struct{} // closed when all servers have stopped

	left atomic.Bool // calls go on although all servers say that they have stopped

	forcing     sync.Once
	forced      chan struct{} // closed when somebody forces the end; nil of a drain that stays
	forcedSince time.Time     // once forced

	adminsStopped chan struct{} // closed when the servers of WithAdmin have stopped, after all else

	mu       sync.Mutex
	report   Report
	underWay *PhaseStatus
}

// force ends the patience of an offline that stops.
func (o *offline) force() {
	o.forcing.Do(func() {
		o.forcedSince = time.Now()
		close(o.forced)
		o.cancel(errForce)
	})
}

// undone tells that a drain that stays is not in force any more: undone, begun anew, or taken over by Shutdown.
func (o *offline) undone(ctx context.Context) bool { return o.kind.stays() && ctx.Err() != nil }

func (o *offline) over() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

// begin begins an offline: the instance is a lame duck from here on, and state, calls and health change in one step. It
// is called with the lock held. caller is for the trace.
func (m *Manager) begin(caller context.Context, o *offline, trigger string) {
	if m.drained.IsZero() {
		m.drained = o.plan.trigger
	}
	o.report = Report{
		Trigger: trigger, Policy: m.policy, Began: o.plan.trigger, AtTrigger: m.counts(), Uncounted: m.calls == nil,
		Phases: []Phase{{Name: "announce"}},
	}
	m.last = o
	m.announceLeave()
	m.setState(Draining)
	m.log.Info("offline begins", "trigger", trigger, "policy", m.policy, "kind", o.kind, "budget", o.plan.budget())

	caller = context.WithoutCancel(caller)
	ctx, cancel := context.WithCancelCause(caller)
	o.cancel = cancel
	if o.kind.stays() {
		m.work.Go(func() { m.run(ctx, caller, o) }) // the offline that ends everything waits for it
		return
	}
	go func() { // waited for by Run and Shutdown
		defer cancel(errOver)
		patience, cancel := context.WithDeadlineCause(ctx, o.plan.forceAt, errBudget)
		defer cancel()
		m.run(patience, caller, o)
		m.stopAdmins(o)
	}()
}

func (m *Manager) run(ctx, caller context.Context, o *offline) {
	defer close(o.done)
	m.noteLast(o)
	o.err = m.runPhases(ctx, o)
	m.conclude(caller, o)
}

// offline takes the instance out of traffic, phase by phase; ctx is its patience: once that has ended, the waits are
// over and what is left is forced.
func (m *Manager) runPhases(ctx context.Context, o *offline) error {
	var errs []error
	for _, p := range m.phases(o) {
		errs = append(errs, m.runPhase(ctx, o, p))
	}
	if o.kind.stays() && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(errs...)
}

// phases is the picture of the package documentation, from top to bottom, but for announce, which begin has done.
func (m *Manager) phases(o *offline) []phase {
	lossless, strict := m.policy == Lossless, m.policy == Strict
	leave := []phase{
		{name: "successor", waits: "others that have been listed for settle", until: m.successorBy, run: m.awaitSuccessor, failure: consequenceNoted},
		{name: "withdraw", change: m.askToWithdraw, waits: "registrars to confirm", until: withdrawnBy, run: m.awaitWithdrawn, failure: consequenceHarmless},
		{name: "settle", skip: !lossless, waits: "others to hear of it", until: m.settledBy, run: m.settleDown},
		{name: "health", skip: !lossless, run: m.tellWatches},
		{name: "refuse", skip: !strict, waits: "registrars to confirm", until: withdrawnBy, before: m.awaitRefusal, change: m.refuse},
		{name: "early notice", skip: m.streamNotice != AtWithdrawn, change: m.tellStreams},
		{name: "idle", skip: !strict, waits: "calls in flight", until: halfOfTheBudget, run: m.idle, failure: consequenceMoved},
		{name: "quiet", waits: "a time without calls", until: m.quietBy, run: m.quieten, failure: consequenceMoved},
		{name: "proof", waits: "those who still list the instance", until: (*offline).goneBy, run: m.proveGone, failure: consequenceHarmless},
	}
	if o.kind.stays() {
		return applying(leave)
	}
	stop := []phase{
		{name: "goaway", run: m.gracefulStop},
		{name: "notice", run: m.notice},
		{name: "streams", waits: "streams to end by themselves", until: m.streamsBy, run: m.awaitStreams},
		{name: "end", waits: "streams to be ended, spread out", until: forced, run: m.endStreams},
		{name: "calls", waits: "calls in flight", until: forced, run: m.awaitCalls},
		{name: "force", waits: "answers to get out", until: endOfTheBudget, run: m.forceStop},
		{name: "record", run: m.recordStop},
	}
	last := []phase{
		{name: "hooks", waits: "OnStop hooks", until: endOfTheBudget, run: m.runHooks},
		{name: "close", waits: "registrars to close", until: endOfTheBudget, run: m.closeRegistrars, failure: consequenceHarmless},
	}
	return applying(slices.Concat(leave, stop, m.stagePhases(), last))
}
