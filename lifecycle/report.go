// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"errors"
	"slices"
	"time"
)

// Outcome is how an offline ended.
type Outcome string

const (
	OutcomeDrained     Outcome = "drained"     // withdrawn, settled and quiet; the instance stays
	OutcomeNotQuiet    Outcome = "not quiet"   // calls still arrive; the instance stays draining
	OutcomeUnconfirmed Outcome = "unconfirmed" // a registry did not confirm the absence; the instance stays draining
	OutcomeResumed     Outcome = "resumed"     // undone before it was over
	OutcomeSuperseded  Outcome = "superseded"  // Shutdown, or a drain that began anew, has gone on in its place
	OutcomeStopped     Outcome = "stopped"     // all servers have stopped by themselves
	OutcomeForced      Outcome = "forced"      // the budget ran out, or somebody forced it
)

// A Report says what happened in an offline. Durations are in nanoseconds in JSON, as time.Duration has them. An answer
// that is still on its way to a slow reader when Stop is called is cut as well, and not counted.
type Report struct {
	// Trigger is "shutdown", "forced", "signal " and its name, "context: " and its cause, "failure" (of Serve or
	// Register), "operator offline" or "drain by hand".
	Trigger       string            `json:"trigger"`
	Policy        Policy            `json:"policy"`
	Outcome       Outcome           `json:"outcome,omitempty"` // empty while it goes on
	Began         time.Time         `json:"began"`
	Took          time.Duration     `json:"took_ns"`
	Phases        []Phase           `json:"phases"`
	AtTrigger     Counts            `json:"at_trigger"`
	AtEnd         Counts            `json:"at_end"`
	Registrars    []RegistrarStatus `json:"registrars,omitempty"`
	Unconfirmed   bool              `json:"unconfirmed,omitempty"`    // a registry may still have listed the instance at the end of withdraw
	StreamsEnded  int               `json:"streams_ended,omitempty"`  // ended early, with UNAVAILABLE
	CallsAnswered int               `json:"calls_answered,omitempty"` // unary calls answered in the place of their handlers
	Forced        bool              `json:"forced,omitempty"`         // the budget ran out, or somebody forced it; the phase "force" has an error
	CallsCut      int               `json:"calls_cut,omitempty"`      // unary calls whose handlers ran when Stop was called
	StreamsCut    int               `json:"streams_cut,omitempty"`    // streams in flight when Stop was called
	Abandoned     []string          `json:"abandoned,omitempty"`      // what did not return in time and was left behind
	Error         string            `json:"error,omitempty"`
}

// A Phase is one line of a Report. One that had nothing to do has no line.
type Phase struct {
	// Name is "announce", "withdraw", "settle", "refuse" (Strict), "idle" (Strict), "quiet", "goaway", "notice" (with
	// AtWithdrawn also before quiet), "streams", "end", "calls", "force", "hooks" or "close".
	Name  string        `json:"name"`
	After time.Duration `json:"after_ns"` // since the trigger
	Took  time.Duration `json:"took_ns"`
	Error string        `json:"error,omitempty"`
}

func (o *offline) note(change func(*Report)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(&o.report)
}

func (o *offline) abandon(what string) {
	o.note(func(r *Report) { r.Abandoned = append(r.Abandoned, what) })
}

func (o *offline) snapshot() Report {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.report
	r.Phases = slices.Clone(r.Phases)
	r.Registrars = slices.Clone(r.Registrars)
	r.Abandoned = slices.Clone(r.Abandoned)
	return r
}

func (o *offline) outcome(err error) Outcome {
	switch {
	case o.stays && errors.Is(err, ErrResumed):
		return OutcomeResumed
	case o.stays && (errors.Is(err, ErrStopping) || errors.Is(err, errBegunAnew)):
		return OutcomeSuperseded
	case o.stays && errors.Is(err, ErrNotQuiet):
		return OutcomeNotQuiet
	case o.stays && o.unconfirmed:
		return OutcomeUnconfirmed
	case o.stays:
		return OutcomeDrained
	case errors.Is(err, ErrForcedStop):
		return OutcomeForced
	}
	return OutcomeStopped
}
