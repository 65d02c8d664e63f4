// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// A Result is what came of a run.
type Result struct {
	Calls, Streams, Offlines int
	Failed                   int      // calls and streams that did not end well, accounted for or not
	Lost                     []string // those that no Report accounts for: the first invariant
	Broken                   []string // the other invariants
}

// judge compares what the clients saw with what the servers did and what the Reports say.
func (w *world) judge() Result {
	var r Result
	b := w.book
	b.mu.Lock()
	defer b.mu.Unlock()
	byID := map[int]*instance{}
	for _, i := range w.all {
		byID[i.id] = i
	}
	for id := range b.begun {
		if b.outcomes[id] == nil {
			r.breaks("call %x was never answered", id)
		}
	}
	for _, id := range sortedKeys(b.outcomes) {
		o := b.outcomes[id]
		if o.stream {
			r.Streams++
		} else {
			r.Calls++
		}
		r.once(o, b.executions[id])
		if o.verdict == answered || o.stream && o.verdict == ended {
			continue
		}
		r.Failed++
		if why := w.unaccounted(o, b.executions[id], byID); why != "" {
			r.Lost = append(r.Lost, fmt.Sprintf("%s: %s", why, w.describe(o, b.executions[id])))
		}
	}
	tallies := w.tally()
	for _, i := range w.all {
		r.Offlines++
		i.check(&r, tallies[i.id])
	}
	return r
}

func (r *Result) breaks(format string, args ...any) {
	r.Broken = append(r.Broken, fmt.Sprintf(format, args...))
}

// once: a call that was answered was carried out once, by the instance that answered; one that was refused was not; no
// call was carried out twice, whatever its client was told.
func (r *Result) once(o *outcome, executions []*execution) {
	switch {
	case len(executions) > 1:
		r.breaks("call %x was carried out %d times", o.call, len(executions))
	case (o.verdict == answered || o.verdict == ended || o.verdict == abandoned) && len(executions) != 1:
		r.breaks("call %x was %v and carried out %d times", o.call, o.verdict, len(executions))
	case (o.verdict == refused || o.verdict == undialled) && len(executions) != 0:
		r.breaks("call %x was %v and carried out all the same", o.call, o.verdict)
	case o.verdict == answered && o.answeredBy != executions[0].instance:
		r.breaks("call %x was carried out by instance %d and answered by %d", o.call, executions[0].instance, o.answeredBy)
	}
}

// unaccounted returns why no Report accounts for a failure, or nothing when one does: forced, and the call was among
// those answered, cut or refused by force; unconfirmed or forced by a second signal, and the call found the address of
// an instance that has gone.
func (w *world) unaccounted(o *outcome, executions []*execution, byID map[int]*instance) string {
	switch o.verdict {
	case undialled:
		gone := w.lastAt(o.addr, o.end)
		switch {
		case gone == nil:
			return "nobody was ever there"
		case gone.report.Unconfirmed || gone.forced:
			return ""
		}
		return fmt.Sprintf("instance %d has gone, and its offline was confirmed", gone.id)
	case abandoned, refused, cut:
		i := byID[o.instance]
		if len(executions) > 0 {
			i = byID[executions[0].instance]
		}
		switch {
		case i == nil:
			return "no instance was reached"
		case !i.report.Forced:
			return fmt.Sprintf("instance %d was not forced", i.id)
		case o.verdict == cut && len(executions) == 0:
			return fmt.Sprintf("instance %d was forced, and had not begun it", i.id)
		}
		return ""
	case timedOut:
		return "no answer within the client's patience"
	}
	return "it ended in a way that calls do not end in"
}

// lastAt returns the instance that was the last to listen on addr before t.
func (w *world) lastAt(addr string, t time.Time) *instance {
	var last *instance
	for _, i := range w.all {
		if i.at.name == addr && !i.trigger.IsZero() && !i.trigger.After(t) {
			last = i
		}
	}
	return last
}

func (w *world) describe(o *outcome, executions []*execution) string {
	s := fmt.Sprintf("%v call %x (stream %v) %v after %v, instance %d, carried out %d times: %v", o.client, o.call, o.stream, o.verdict, o.end.Sub(o.begin), o.instance, len(executions), o.err)
	return s + fmt.Sprintf(" [begun %s, ended %s]", o.begin.Format("05.000000"), o.end.Format("05.000000"))
}

// A tally is what happened to one instance, as far as clients and handlers know.
type tally struct {
	seen       map[verdict]int // of calls
	streams    map[verdict]int
	executions []*execution
}

func (w *world) tally() map[int]*tally {
	tallies := map[int]*tally{}
	for _, i := range w.all {
		tallies[i.id] = &tally{seen: map[verdict]int{}, streams: map[verdict]int{}}
	}
	for id, o := range w.book.outcomes {
		executions := w.book.executions[id]
		at := o.instance
		if len(executions) > 0 {
			at = executions[0].instance
		}
		t := tallies[at]
		if t == nil {
			continue
		}
		t.executions = append(t.executions, executions...)
		if o.stream {
			t.streams[o.verdict]++
		} else {
			t.seen[o.verdict]++
		}
	}
	return tallies
}

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
	forceAt := report.Began.Add(i.schedule.Budget - min(time.Second, i.schedule.Budget/5))
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

func sortedKeys[V any](m map[uint64]V) []uint64 {
	keys := make([]uint64, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare[uint64])
	return keys
}
