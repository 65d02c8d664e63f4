// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

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
	if o.kind.stays() {
		m.addUp(report, report.Outcome)
		m.telemetry.recordDuration(ctx, report, report.Took, report.Outcome, time.Time{})
	}
	m.telemetry.recordEnd(ctx, report)
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

// addUp brings the counters in line with an offline.
func (m *Manager) addUp(report Report, outcome Outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tally.add(report, outcome)
}

// recordStop has the numbers of the offline ready and flushed before the hooks: one of them may be what ends the
// telemetry of the program.
func (m *Manager) recordStop(ctx context.Context, o *offline) error {
	report, outcome := o.snapshot(), o.outcome(nil)
	m.addUp(report, outcome)
	left := time.Until(o.plan.end)
	if m.hasHooks() {
		left -= hooksKept
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(min(flushLimit, left), leastWait))
	defer cancel()
	by, _ := limit.Deadline()
	m.telemetry.recordDuration(context.WithoutCancel(ctx), report, time.Since(o.plan.trigger), outcome, by)
	ended(limit, m.telemetry.queue.Done())
	o.hooksBy = time.Now().Add(max(time.Until(o.plan.end), hookMin))
	select {
	case <-o.forced:
		o.hurryHooks()
	default:
	}
	return errSkipped
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
