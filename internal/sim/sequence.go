// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"slices"
	"time"
)

// checkPhases: one after the other, and calls and health changed in one moment.
func (i *instance) checkPhases(wrong func(string, ...any)) {
	phases := i.report.Phases
	for n := 1; n < len(phases); n++ {
		if a, b := phases[n-1], phases[n]; a.After+a.Took > b.After {
			wrong("phase %q began before %q had ended", b.Name, a.Name)
		}
	}
	if i.closedAt.IsZero() {
		wrong("its listener was never closed")
		return
	}
	if n := len(i.drains); n == 0 || !i.drains[n-1].end.IsZero() || i.drains[n-1].begin.After(i.report.Began) {
		wrong("it drained %v, and the trigger was at %v", i.drains, i.report.Began)
	}
	if i.strategy == Lossless && !slices.Equal(i.drains, i.unserving) {
		wrong("calls were late %v, and health was NOT_SERVING %v", i.drains, i.unserving)
	}
	fromOutside := i.report.Trigger == "context: "+context.Canceled.Error()
	for _, at := range i.unready {
		if i.strategy == Lossless && fromOutside && at.After(i.report.Began) && at.Before(i.closedAt) {
			wrong("readiness turned red %v after the trigger, before GOAWAY", at.Sub(i.report.Began))
		}
	}
}

// checkGoAway: the listener closes once the instance is absent, settled and quiet, and no later; unconfirmed, not
// before half the budget.
func (i *instance) checkGoAway(wrong func(string, ...any), t *tally) {
	known := i.registrar.what()
	if i.strategy != Lossless || i.forced() || i.closedAt.IsZero() || known.returned.IsZero() {
		return
	}
	s, report := i.schedule, &i.report
	if half := report.Began.Add(s.Budget / 2); report.Unconfirmed {
		if i.closedAt.Before(half) {
			wrong("unconfirmed, and GOAWAY came %v before half the budget", half.Sub(i.closedAt))
		}
		return
	}
	quiet := min(s.Quiet, s.Budget/5)
	poll := min(max(quiet/10, time.Millisecond), 50*time.Millisecond)
	settled := known.absent.Add(s.Settle)
	from := latest(settled, known.returned, report.Began)
	limit := from.Add(min(5*time.Second, s.Budget/5))
	last, due := i.lastCalls(t, from, quiet+3*poll)
	switch {
	case i.closedAt.Before(settled):
		wrong("GOAWAY came %v before it had settled", settled.Sub(i.closedAt))
	case i.closedAt.Before(from.Add(quiet)):
		wrong("GOAWAY came %v after settle, quiet is %v", i.closedAt.Sub(from), quiet)
	case i.closedAt.Sub(last) < quiet-poll && i.closedAt.Before(limit.Add(-poll)):
		wrong("GOAWAY came %v after a call, quiet is %v", i.closedAt.Sub(last), quiet)
	case i.closedAt.After(earliest(due, limit).Add(3 * poll)):
		wrong("GOAWAY came %v after it was quiet", i.closedAt.Sub(earliest(due, limit)))
	}
}

// lastCalls returns the last call that was begun before GOAWAY, and by when it was quiet for so long after from.
func (i *instance) lastCalls(t *tally, from time.Time, quiet time.Duration) (last, due time.Time) {
	due = from
	for _, e := range t.runs {
		if e.begin.Before(i.closedAt) {
			last = e.begin
		}
		if e.begin.After(due) && e.begin.Sub(due) <= quiet {
			due = e.begin
		}
	}
	return last, due.Add(quiet)
}

// overhead is what a call takes besides its work, and its round trips.
const overhead = 60 * time.Millisecond

// checkAnswers: an answer is not held up by anything, and who asks for health stays away.
func (i *instance) checkAnswers(wrong func(string, ...any), t *tally) {
	away := 4*i.schedule.Latency + scheduleSlop
	for _, e := range t.runs {
		for _, s := range i.shut {
			if e.saw.client == RoundRobinHealth && i.strategy == Lossless && s.holds(e.saw.begin.Add(-away)) && s.holds(e.saw.begin) {
				wrong("a client that asks for health called it %v after it was told not to", e.saw.begin.Sub(s.begin))
			}
		}
		if e.stream || e.saw.verdict != answered {
			continue
		}
		trips := time.Duration(e.size/(window/2)+64) * 2 * i.schedule.Latency
		if over := e.saw.end.Sub(e.saw.begin) - e.work; over > overhead+trips {
			wrong("call %x of a %v client took %v longer than its work", e.call, e.saw.client, over)
		}
	}
}

func latest(ts ...time.Time) time.Time   { return slices.MaxFunc(ts, time.Time.Compare) }
func earliest(ts ...time.Time) time.Time { return slices.MinFunc(ts, time.Time.Compare) }
