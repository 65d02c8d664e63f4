// SPDX-License-Identifier: Apache-2.0

package sim

import "time"

// checkSettling compares what the Report says of late calls with itself: who sent them, and when they came.
func (i *instance) checkSettling(wrong func(string, ...any)) {
	report := &i.report
	late := report.AtEnd.Late - report.AtTrigger.Late
	s := report.Settling
	if sum := s.Before + s.During + s.After; sum != late {
		wrong("Report says %d late calls, and %d, %d, %d of them before, during and after settle", late, s.Before, s.During, s.After)
	}
	named := uint64(0)
	for _, c := range report.Callers {
		named += c.Count
		if c.First.Before(report.Began) || c.Last.Before(c.First) || c.Last.After(report.Began.Add(report.Took)) {
			wrong("caller %+v of an offline from %v that took %v", c, report.Began, report.Took)
		}
	}
	// Who drains again in the moment of a call has no order with it.
	if len(i.drains) == 1 && named != late {
		wrong("Report names the callers of %d late calls, and there were %d", named, late)
	}
	if (s.LastCaller != nil) != (late > 0) && len(i.drains) == 1 {
		wrong("%d late calls, and the last caller is %+v", late, s.LastCaller)
	}
	if s.LastCaller != nil && !s.Confirmed.IsZero() {
		if want := max(s.LastCaller.Last.Sub(s.Confirmed), time.Duration(0)); s.Propagation != want {
			wrong("propagation %v, the last caller says %v", s.Propagation, want)
		}
	}
}

// checkHook: it comes when nothing is served any more, and has the time that it was promised.
func (i *instance) checkHook(wrong func(string, ...any), t *tally) {
	switch {
	case i.schedule.Hook == 0:
	case i.hooked.IsZero():
		wrong("the hook was not called")
	case i.hookCut && !i.report.Forced:
		wrong("a hook of %v was cut, and nothing was forced", i.schedule.Hook)
	}
	for _, e := range t.runs {
		if !i.hooked.IsZero() && e.begin.After(i.hooked) {
			wrong("a call began %v after the hook", e.begin.Sub(i.hooked))
		}
	}
}
