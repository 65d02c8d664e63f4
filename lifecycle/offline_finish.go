// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// hookMin is what the hooks get where the budget is used up: a chance to look at their context.
const hookMin = 50 * time.Millisecond

// runHooks calls the OnStop hooks, the last one first. Each gets an equal share of what is left, so that one that hangs
// does not starve the others.
func (m *Manager) runHooks(ctx context.Context, o *offline) error {
	if len(m.onStop) == 0 {
		return errSkipped
	}
	left := max(min(hookLimit, time.Until(o.plan.end)), hookMin)
	deadline := time.Now().Add(left)
	ctx = context.WithoutCancel(ctx)
	var errs []error
	for i, hook := range slices.Backward(m.onStop) {
		share := time.Until(deadline) / time.Duration(i+1)
		limited, cancel := context.WithTimeoutCause(ctx, share, errHookLimit)
		var err error
		result := make(chan error, 1)
		go func() { result <- hook(limited) }()
		select {
		case err = <-result:
		case <-limited.Done():
			select {
			case err = <-result:
			case <-time.After(min(share/10, leastWait)):
				err = errHookLimit
				o.abandon(fmt.Sprintf("OnStop hook %d", i+1))
			}
		}
		cancel()
		if err != nil {
			errs = append(errs, fmt.Errorf("lifecycle: OnStop hook %d: %w", i+1, err))
		}
	}
	return errors.Join(errs...)
}

var errHookLimit = errors.New("its share of the time for hooks is used up")

// closeRegistrars ends what Start began and gives up the connections to the registries.
func (m *Manager) closeRegistrars(_ context.Context, o *offline) error {
	m.mu.Lock()
	if m.stopWork != nil {
		m.stopWork(errOver)
	}
	m.mu.Unlock()

	limit, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	var mu sync.Mutex
	var errs []error
	var closing sync.WaitGroup
	for _, k := range m.reconcilers {
		c, ok := k.registrar.(closer)
		if !ok || m.isInUse(k) {
			continue
		}
		closing.Go(func() {
			if err := k.call("Close", c.Close); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("lifecycle: close %s: %w", k.name, err))
			}
		})
	}
	closed := make(chan struct{})
	go func() { // waited for through closed, or abandoned with what hangs
		defer close(closed)
		closing.Wait()
		m.work.Wait()
	}()
	over := ended(limit, closed)
	mu.Lock()
	defer mu.Unlock()
	if over {
		return errors.Join(errs...)
	}
	for _, what := range m.unreturned() {
		o.abandon(what)
		errs = append(errs, fmt.Errorf("lifecycle: %s has not returned within %v", what, closeWait))
	}
	return errors.Join(errs...)
}

func (m *Manager) isInUse(k *reconciler) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return k.inUse
}

// conclude writes the last line of an offline. ctx is for the trace.
func (m *Manager) conclude(ctx context.Context, o *offline) {
	m.finishReport(o)
	if !o.kind.stays() {
		limit, cancel := context.WithTimeout(context.Background(), lastWait)
		if !ended(limit, m.states.Done()) {
			o.abandon("OnState")
		}
		cancel()
	}
	report := o.snapshot()
	m.telemetry.record(ctx, report)
	m.log.Log(ctx, report.level(), "offline ends", "report", report, "unary", report.AtEnd.Unary,
		"streams", report.AtEnd.Streams, "err", o.err)
	if !o.kind.stays() {
		m.telemetry.stop()
		limit, cancel := context.WithTimeout(context.Background(), lastWait)
		defer cancel()
		if !ended(limit, m.telemetry.queue.Done()) {
			o.abandon("OpenTelemetry")
		}
		if !ended(limit, m.lines.Done()) {
			o.abandon("the logger's handler")
		}
		m.handOut(o)
	}
}

// handOut calls the functions of WithOnReport.
func (m *Manager) handOut(o *offline) {
	if len(m.onReport) == 0 {
		return
	}
	limit, cancel := context.WithTimeout(context.Background(), lastWait)
	defer cancel()
	over, report := make(chan struct{}), o.snapshot()
	go func() { // waited for, or abandoned
		defer close(over)
		for _, f := range m.onReport {
			f(report)
		}
	}()
	if !ended(limit, over) {
		o.abandon("OnReport")
	}
}

// finishReport completes the report in one step with the last state.
func (m *Manager) finishReport(o *offline) {
	failure := ""
	if o.err != nil {
		failure = o.err.Error() // of the program's: without the lock
	}
	callers := m.callers()
	settling := m.settling(o, callers)
	m.mu.Lock()
	defer m.mu.Unlock()
	counts := m.counts()
	o.note(func(r *Report) {
		if m.last == o { // or they are of the next one
			r.Settling, r.Callers = settling, callers
		}
		r.Took = time.Since(r.Began)
		r.Outcome = o.outcome(o.err)
		r.AtEnd = counts
		r.Error = failure
		r.StoppedByOther = m.closedAt
		for _, k := range m.reconcilers {
			r.Registrars = append(r.Registrars, k.status())
		}
	})
	if !o.kind.stays() {
		m.setState(Stopped)
	}
}
