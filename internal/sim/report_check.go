// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// tolerance is what the last moments of an offline take: the report is written before Run returns.
const tolerance = 200 * time.Millisecond

// check compares what happened to one instance with its Report, and with what is promised of it.
func (w *world) check(r *Result, i *instance, t *tally) {
	i.mu.Lock()
	defer i.mu.Unlock()
	wrong := func(format string, args ...any) {
		r.breaks("instance %d: "+format, append([]any{i.id}, args...)...)
	}
	for _, what := range i.wrong {
		wrong("%s", what)
	}
	if i.held && !i.report.Unconfirmed && !i.forced() {
		wrong("it closed its listener while it was listed, and its Report does not say unconfirmed")
	}
	if i.manager == nil {
		return
	}
	if i.trigger.IsZero() || i.trigger.After(i.report.Began) {
		i.trigger = i.report.Began // an operator was first
	}
	if took := i.exit.Sub(i.trigger); took > i.schedule.Budget+time.Second {
		wrong("exit took %v, budget %v", took, i.schedule.Budget)
	}
	i.checkCounts(wrong, t)
	i.checkOutcome(wrong, t)
	i.checkPhases(wrong)
	i.checkSettling(wrong)
	i.checkHook(wrong, t)
	i.checkGoAway(wrong, t)
	i.checkWatch(wrong)
	i.checkStreams(wrong, t)
	i.checkAnswers(wrong, t)
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
	equal("streams cut", report.StreamsCut, t.streams[cut])
	equal("refused", int(report.AtEnd.Refused), t.seen[refused]+t.streams[refused])
	between := func(name string, got int, low, high int) {
		if got < low || got > high {
			wrong("Report says %d %s, handlers know of %d to %d", got, name, low, high)
		}
	}
	low, high := i.callsCut(t)
	between("calls cut", report.CallsCut, low, high)
	// Two things in one instant have no order that can be seen from outside, so some counts are known within bounds.
	var late, lateHigh int
	var open, openHigh [2]int
	for _, e := range t.runs {
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

// callsCut returns bounds of how many calls were cut whose handlers ran: an answer that was on its way is cut as well,
// and no handler knows of it.
func (i *instance) callsCut(t *tally) (low, high int) {
	for _, e := range t.runs {
		if e.stream || e.saw.verdict != cut {
			continue
		}
		at := e.saw.end.Add(-i.schedule.Latency) // of Stop
		if e.end.After(at) {
			low++
		}
		if !e.end.Before(at) {
			high++
		}
	}
	return low, high
}

func (i *instance) checkOutcome(wrong func(string, ...any), t *tally) {
	report := &i.report
	forceAt := report.Began.Add(i.schedule.Budget - i.schedule.kept() - min(time.Second, i.schedule.Budget/10))
	stuck, near := 0, 0
	for _, e := range t.runs {
		switch {
		case e.stream || !e.end.After(forceAt.Add(-2*time.Second)): // the last connection is closed a second after its last call
		case e.begin.Before(forceAt) && e.end.After(forceAt):
			stuck++
		default:
			near++
		}
	}
	if forced := report.Forced; forced && !i.forced() && stuck+near == 0 {
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
	if i.outcome == nil && report.Unconfirmed || i.outcome != nil && !report.Unconfirmed && i.held {
		wrong("Report says unconfirmed %v, Deregister had returned %v when GracefulStop began", report.Unconfirmed, i.outcome)
	}
	if report.AtEnd.Unary != 0 && !report.Forced || report.AtEnd.Streams != 0 {
		wrong("%d calls and %d streams are in flight at the end", report.AtEnd.Unary, report.AtEnd.Streams)
	}
	if took := i.exit.Sub(report.Began); report.Took > took || took > report.Took+tolerance {
		wrong("Report says it took %v, it took %v", report.Took, took)
	}
	if during := !i.hooked.IsZero() && !i.forcedAt.Before(i.hooked); i.forced() && !during && (!report.Forced || i.exit.Sub(i.forcedAt) > time.Second+i.schedule.Hook) {
		wrong("exit %v after a second signal, and the Report says forced %v", i.exit.Sub(i.forcedAt), report.Forced)
	}
	if len(report.Abandoned) > 0 && !report.Forced {
		wrong("abandoned %q without force", report.Abandoned)
	}
}
