// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// check compares one instance's Report with what happened to it.
func (i *instance) check(r *Result, t *tally) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, what := range i.wrong {
		r.breaks("instance %d: %s", i.id, what)
	}
	if i.held && !i.report.Unconfirmed && !i.forced {
		r.breaks("instance %d closed its listener while it was listed, and its Report does not say unconfirmed", i.id)
	}
	if i.manager == nil {
		return
	}
	wrong := func(format string, args ...any) {
		r.breaks("instance %d: "+format, append([]any{i.id}, args...)...)
	}
	if took := i.exit.Sub(i.trigger); took > i.schedule.Budget+time.Second {
		wrong("exit took %v, budget %v", took, i.schedule.Budget)
	}
	i.checkCounts(wrong, t)
	i.checkOutcome(wrong, t)
}

func (i *instance) checkCounts(wrong func(string, ...any), t *tally) {
	report := &i.report
	equal := func(name string, got, want int) {
		if got != want {
			wrong("Report says %d %s, clients saw %d", got, name, want)
		}
	}
	equal("calls answered", report.CallsAnswered, t.seen[abandoned])
	equal("streams ended", report.StreamsEnded, t.streams[ended])
	equal("calls cut", report.CallsCut, t.seen[cut])
	equal("streams cut", report.StreamsCut, t.streams[cut])
	equal("refused", int(report.AtEnd.Refused), t.seen[refused]+t.streams[refused])
	between := func(name string, got int, low, high int) {
		if got < low || got > high {
			wrong("Report says %d %s, handlers know of %d to %d", got, name, low, high)
		}
	}
	// Two things in one instant have no order that can be seen from outside, so some counts are known within bounds.
	var late, lateHigh int
	var open, openHigh [2]int
	for _, e := range t.executions {
		for _, d := range i.drains {
			if e.begin.After(d.begin) && (d.end.IsZero() || e.begin.Before(d.end)) {
				late++
			}
			if !e.begin.Before(d.begin) && (d.end.IsZero() || !e.begin.After(d.end)) {
				lateHigh++
			}
		}
		kind := 0
		if e.stream {
			kind = 1
		}
		if e.begin.Before(report.Began) && e.end.After(report.Began) {
			open[kind]++
		}
		if !e.begin.After(report.Began) && !e.end.Before(report.Began) {
			openHigh[kind]++
		}
	}
	between("late", int(report.AtEnd.Late), late, lateHigh)
	between("calls in flight at the trigger", report.AtTrigger.Unary, open[0], openHigh[0])
	between("streams in flight at the trigger", report.AtTrigger.Streams, open[1], openHigh[1])
}

func (i *instance) checkOutcome(wrong func(string, ...any), t *tally) {
	report := &i.report
	forceAt := report.Began.Add(i.schedule.Budget - min(time.Second, i.schedule.Budget/10))
	stuck, near := 0, 0
	for _, e := range t.executions {
		switch {
		case e.stream || !e.end.After(forceAt.Add(-2*time.Second)): // the last connection is closed a second after its last call
		case e.begin.Before(forceAt) && e.end.After(forceAt):
			stuck++
		default:
			near++
		}
	}
	if forced := report.Forced; forced && !i.forced && stuck+near == 0 {
		wrong("Report says forced, and no handler ran when the budget was used up")
	} else if !forced && stuck > 0 {
		wrong("%d handlers ran when the budget was used up, and the Report does not say forced", stuck)
	}
	if got := report.Outcome == lifecycle.OutcomeForced; got != report.Forced || got != errors.Is(i.err, lifecycle.ErrForcedStop) {
		wrong("outcome %q, forced %v, Run returned %v", report.Outcome, report.Forced, i.err)
	}
	if report.Outcome != lifecycle.OutcomeForced && report.Outcome != lifecycle.OutcomeStopped {
		wrong("outcome %q of a shutdown", report.Outcome)
	}
	withdrawn := i.withdrawn
	if withdrawn == nil && report.Unconfirmed || withdrawn != nil && !report.Unconfirmed && i.held {
		wrong("Report says unconfirmed %v, Deregister had returned %v when GracefulStop began", report.Unconfirmed, withdrawn)
	}
	if report.AtEnd.Unary != 0 && !report.Forced || report.AtEnd.Streams != 0 {
		wrong("%d calls and %d streams are in flight at the end", report.AtEnd.Unary, report.AtEnd.Streams)
	}
	if took := i.exit.Sub(report.Began); report.Took > took || took > report.Took+time.Second {
		wrong("Report says it took %v, it took %v", report.Took, took)
	}
}
