// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"
	"time"
)

const (
	spreadLimit = 2500 * time.Millisecond // in which streams are ended, with what it takes to hear of it
	tellLimit   = 200 * time.Millisecond  // from the begin of GracefulStop until a handler has heeded being told
)

// checkStreams: told once GOAWAY is out, given their grace, then ended, the oldest first.
func (i *instance) checkStreams(wrong func(string, ...any), t *tally) {
	if i.report.Forced {
		return
	}
	if len(i.tells) == 0 {
		wrong("streams were never told")
		return
	}
	from := i.endFrom()
	var ends []run
	for _, e := range t.runs {
		if !e.stream {
			continue
		}
		i.checkTolds(wrong, e)
		if e.saw.verdict != ended {
			continue
		}
		if e.saw.end.Before(from) {
			wrong("a stream was ended %v before its grace was over", from.Sub(e.saw.end))
		}
		if late := e.saw.end.Sub(latest(from, i.closedAt)); late > spreadLimit && e.begin.Before(i.closedAt) {
			wrong("a stream was ended %v after its grace was over", late)
		}
		if e.begin.Before(i.closedAt) {
			ends = append(ends, e)
		}
	}
	for n := 1; n < len(ends); n++ {
		if a, b := ends[n-1], ends[n]; a.begin.Before(b.begin) && b.saw.end.Before(a.saw.end.Add(-time.Millisecond)) {
			wrong("a stream that began %v later was ended %v earlier", b.begin.Sub(a.begin), a.saw.end.Sub(b.saw.end))
			return
		}
	}
}

func (i *instance) checkTolds(wrong func(string, ...any), e run) {
	begun := func(d span) bool { return d.begin.Equal(e.told) }
	switch heeded := !e.told.IsZero(); {
	case heeded && !i.drainedAt(e.told) && !slices.ContainsFunc(i.drains, begun):
		wrong("a stream was told while the instance did not drain")
	case !heeded && !e.deaf && e.begin.Before(i.closedAt) && e.end.After(i.closedAt.Add(tellLimit)):
		wrong("a stream was not told")
	}
}

// endFrom is when streams begin to be ended: after their grace, counted from when they were told in this offline.
func (i *instance) endFrom() time.Time {
	n := slices.IndexFunc(i.tells, func(t time.Time) bool { return !t.Before(i.report.Began) })
	if n < 0 {
		n = len(i.tells) - 1
	}
	last := i.report.Began.Add(i.schedule.Budget - i.schedule.kept() - min(5*time.Second, i.schedule.Budget/5))
	return earliest(i.tells[n].Add(i.schedule.StreamGrace), last)
}
