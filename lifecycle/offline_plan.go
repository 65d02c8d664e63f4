// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "time"

// The defaults, and the limits that are not options.
const (
	// DefaultBudget is the time from the trigger to the exit. It stays under the 30 s that Kubernetes gives a pod.
	DefaultBudget = 25 * time.Second
	// DefaultQuiet is how long no RPC may be admitted before GracefulStop begins.
	DefaultQuiet = 500 * time.Millisecond
	// DefaultStreamGrace is how long streams that were told may go on before they are ended.
	DefaultStreamGrace = 5 * time.Second
	// UnknownSettle is the settle time where neither WithSettle nor a registrar gives one: Kubernetes endpoints and
	// balancers that pull a health check take their time too.
	UnknownSettle = 5 * time.Second

	// withdrawLimit is how long Deregister is waited for: so long, or a fifth of the budget where that is less.
	withdrawLimit = 5 * time.Second
	// QuietLimit is how long quiet is waited for after settle: so long, or, in an offline that stops, a fifth of the
	// budget where that is less. A caller that pins our address never goes quiet, and GOAWAY moves it.
	QuietLimit = 5 * time.Second
	// streamSpread is the time over which streams are ended, so that their clients do not all come back at once.
	streamSpread = 2 * time.Second
	// hooksKept is what is kept of the budget for the OnStop hooks and the stages, where there are any: so long, or a
	// fifth of the budget where that is less. They may take all that is left.
	hooksKept = 2 * time.Second
)

const (
	streamsBeforeEnd = 5 * time.Second        // streams are ended from here on, whatever grace they have
	besidesSettle    = 10 * time.Second       // what withdraw, GracefulStop and streams need
	forceBeforeEnd   = time.Second            // the forced stop begins here, so that it ends inside the budget
	forceWait        = 500 * time.Millisecond // for GracefulStop, once what is left was answered
	stopWait         = 200 * time.Millisecond // for Stop, which may hang as well
	closeWait        = 300 * time.Millisecond // for the registrars' Close; may end after the budget
	lastWait         = 100 * time.Millisecond // for OnState to hear of the end, the log to be written, Serve to return
	leastWait        = 25 * time.Millisecond  // for GracefulStop and for Stop, however small the budget is
	answerLead       = 100 * time.Millisecond // for the last answer of a call whose server has stopped already
	goAwayLead       = 100 * time.Millisecond // from the begin of GracefulStop until GOAWAY is out for sure; grpc-go has no hook
)

// A plan is the budget of one offline laid out on the clock. Every phase hands back what it does not need.
type plan struct {
	trigger    time.Time
	withdrawBy time.Time // Deregister is no longer waited for
	half       time.Time // an unconfirmed drain lasts until here, and no longer unless settle does
	stopBy     time.Time // GracefulStop begins, quiet or not
	forceAt    time.Time // what is left is answered, then cut
	end        time.Time
	forceWait  time.Duration
	stopWait   time.Duration
	settleMost time.Duration
}

// newPlan keeps time for hooks where there are some.
func newPlan(trigger time.Time, budget time.Duration, hooks bool) plan {
	end := trigger.Add(budget)
	beforeEnd := min(forceBeforeEnd, budget/10)
	served := end
	if hooks {
		served = end.Add(-keptForHooks(budget))
	}
	p := plan{
		trigger:   trigger,
		half:      trigger.Add(budget / 2),
		stopBy:    served.Add(-min(streamsBeforeEnd, budget/5)),
		forceAt:   served.Add(-beforeEnd),
		end:       end,
		forceWait: max(min(forceWait, beforeEnd/2), leastWait),
		stopWait:  max(min(stopWait, beforeEnd/5), leastWait),

		settleMost: settleMost(budget, hooks),
	}
	p.withdrawFrom(trigger)
	return p
}

func (p *plan) budget() time.Duration { return p.end.Sub(p.trigger) }

// withdrawFrom sets when withdraw begins, which its share counts from.
func (p *plan) withdrawFrom(t time.Time) {
	p.withdrawBy = t.Add(min(withdrawLimit, p.budget()/5))
}

func keptForHooks(budget time.Duration) time.Duration { return min(hooksKept, budget/5) }

// settleMost is the longest settle for which a budget has room beside everything else.
func settleMost(budget time.Duration, hooks bool) time.Duration {
	return max(budget-besides(hooks), budget/2)
}

// besides is what a long budget needs beside settle.
func besides(hooks bool) time.Duration {
	if hooks {
		return besidesSettle + hooksKept
	}
	return besidesSettle
}

// successorMost is the time that may pass before withdraw begins.
func (p *plan) successorMost(settle time.Duration) time.Duration {
	return max(p.budget()/2-settle, 0)
}

// streamsBy is when streams that were told at told and have the given grace are ended.
func (p plan) streamsBy(told time.Time, grace time.Duration) time.Time {
	by := told.Add(grace)
	if by.After(p.stopBy) {
		return p.stopBy
	}
	return by
}

// quietBy is when waiting for quiet ends, if it began at from.
func (p plan) quietBy(from time.Time) time.Time {
	by := from.Add(min(QuietLimit, p.budget()/5))
	if by.After(p.stopBy) {
		return p.stopBy
	}
	return by
}
