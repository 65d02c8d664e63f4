// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"maps"
	"slices"
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
	b := w.history
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
	for _, id := range slices.Sorted(maps.Keys(b.outcomes)) {
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
	for _, addr := range w.registry.registered() {
		r.breaks("%s is registered when all has ended", addr)
	}
	tallies := w.tally()
	for _, i := range w.all {
		r.Offlines++
		w.check(&r, i, tallies[i.id])
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
// an instance that has gone, no longer than it takes to hear of that.
func (w *world) unaccounted(o *outcome, executions []*execution, byID map[int]*instance) string {
	i := byID[o.instance]
	if len(executions) > 0 {
		i = byID[executions[0].instance]
	}
	switch o.verdict {
	case undialled:
		return w.undialled(o, byID[o.gone])
	case abandoned, refused, cut:
		switch {
		case i == nil:
			return "no instance was reached"
		case !i.report.Forced:
			return fmt.Sprintf("instance %d was not forced", i.id)
		case o.verdict == cut && len(executions) == 0:
			return fmt.Sprintf("instance %d was forced, and had not begun it", i.id)
		case o.verdict == cut && w.strategy != Plain && !o.stream && i.couldAnswer(executions[0], o):
			return fmt.Sprintf("instance %d was forced, and could have answered it", i.id)
		}
		return ""
	case timedOut:
		return "no answer within the client's patience"
	}
	return "it ended in a way that calls do not end in"
}

// couldAnswer tells whether a call that was cut could have been answered in the place of its handler, which still ran.
func (i *instance) couldAnswer(e *execution, o *outcome) bool {
	return (i.schedule.Abandonable || i.drainedAt(e.begin)) && e.end.After(o.end.Add(-i.schedule.Latency))
}

func (w *world) undialled(o *outcome, gone *instance) string {
	switch {
	case gone == nil:
		return "nobody was ever there"
	case !gone.report.Unconfirmed && !gone.forced():
		return fmt.Sprintf("instance %d has gone, and its offline was confirmed", gone.id)
	}
	// Where somebody else has taken the address, the channel may still be in the backoff of the first refusal.
	if since, absent := w.registry.absentAt(gone.at.name, o.begin); absent && o.begin.Sub(since) > 2*w.schedule.Spread {
		return fmt.Sprintf("instance %d has gone, and was off the list %v before", gone.id, o.begin.Sub(since))
	}
	return ""
}

func (w *world) describe(o *outcome, executions []*execution) string {
	s := fmt.Sprintf("%v call %x (stream %v) %v after %v, instance %d, carried out %d times: %v",
		o.client, o.call, o.stream, o.verdict, o.end.Sub(o.begin), o.instance, len(executions), o.err)
	return s + fmt.Sprintf(" [begun %s, ended %s]", o.begin.Format("05.000000"), o.end.Format("05.000000"))
}

// A tally is what happened to one instance, as far as clients and handlers know.
type tally struct {
	seen    map[verdict]int // of calls
	streams map[verdict]int
	runs    []run // by their begin
}

// A run is one execution with what its client was told.
type run struct {
	*execution
	saw *outcome
}

func (w *world) tally() map[int]*tally {
	tallies := map[int]*tally{}
	for _, i := range w.all {
		tallies[i.id] = &tally{seen: map[verdict]int{}, streams: map[verdict]int{}}
	}
	for id, o := range w.history.outcomes {
		executions := w.history.executions[id]
		at := o.instance
		if len(executions) > 0 {
			at = executions[0].instance
		}
		t := tallies[at]
		if t == nil {
			continue
		}
		for _, e := range executions {
			t.runs = append(t.runs, run{e, o})
		}
		if o.stream {
			t.streams[o.verdict]++
		} else {
			t.seen[o.verdict]++
		}
	}
	for _, t := range tallies {
		slices.SortFunc(t.runs, func(a, b run) int { return a.begin.Compare(b.begin) })
	}
	return tallies
}
