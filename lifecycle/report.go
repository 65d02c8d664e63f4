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

// outcomes are all of them.
var outcomes = []Outcome{
	OutcomeDrained, OutcomeNotQuiet, OutcomeUnconfirmed, OutcomeResumed, OutcomeSuperseded, OutcomeStopped, OutcomeForced,
}

// A Report says what happened in an offline. Durations are in nanoseconds in JSON, as time.Duration has them.
type Report struct {
	// Trigger is "shutdown", "shutdown by hand", "forced", "signal " and its name, "context: " and its cause, "failure"
	// (of Serve or Register), "operator offline" or "drain by hand".
	Trigger    string            `json:"trigger"`
	Policy     Policy            `json:"policy"`
	Outcome    Outcome           `json:"outcome,omitempty"` // empty while it goes on
	Began      time.Time         `json:"began"`             // the trigger
	Took       time.Duration     `json:"took_ns"`           // to its end, hooks and registrars included; zero while it goes on
	Phases     []Phase           `json:"phases"`            // in the order in which they began
	AtTrigger  Counts            `json:"at_trigger"`
	AtEnd      Counts            `json:"at_end"`
	Registrars []RegistrarStatus `json:"registrars,omitempty"` // at the end

	// Last: at the trigger no registrar that lists the instance, and knows the others, listed a usable one.
	Last bool `json:"last,omitempty"`
	// Uncounted: there are no Calls (WithCalls), so nothing is known of what was in flight, late, refused or cut.
	Uncounted bool `json:"uncounted,omitempty"`
	// Settling tells whether settle was long enough.
	Settling Settling `json:"settling"`
	// Callers are those of the late calls since the trigger, the busiest first; empty where nobody called, or where
	// Calls cannot tell.
	Callers []Caller `json:"callers,omitempty"`
	// Unconfirmed: a registry may still have listed the instance at the end of withdraw, or has, when GracefulStop
	// began.
	Unconfirmed bool `json:"unconfirmed,omitempty"`
	// StillListed says who listed the instance when its absence was confirmed and settle was over, and Unproven where
	// that could not be known, and why.
	StillListed []string `json:"still_listed,omitempty"`
	Unproven    []string `json:"unproven,omitempty"`
	// StreamsEnded counts the streams that were ended early, with UNAVAILABLE. A client that reads nothing does not
	// hear of it: its connection is among ConnectionsCut.
	StreamsEnded int `json:"streams_ended,omitempty"`
	// CallsAnswered counts the unary calls that were answered in the place of their handlers.
	CallsAnswered int `json:"calls_answered,omitempty"`
	// Forced: the budget ran out, or somebody forced it. The phase "force" has an error that says which.
	Forced bool `json:"forced,omitempty"`
	// CallsCut and StreamsCut count the RPCs whose handlers ran when Stop was called.
	CallsCut   int `json:"calls_cut,omitempty"`
	StreamsCut int `json:"streams_cut,omitempty"`
	// ConnectionsCut counts the connections that were open when Stop was called. On them were those above, or what no
	// handler knows of: a request that is being sent, an answer that nobody reads, a peer that has not answered GOAWAY
	// yet. Counted are those that the listeners of Run, and of WatchHandshakes, hand out as *net.TCPConn, and not those
	// of HTTPServer.
	ConnectionsCut int `json:"connections_cut,omitempty"`
	// ConnectionsUnknown: there were connections that are not watched (see WatchHandshakes), so more may have been cut.
	ConnectionsUnknown bool `json:"connections_unknown,omitempty"`
	// StoppedByOther is when somebody else stopped a server, before GracefulStop was due; zero: nobody did.
	StoppedByOther time.Time `json:"stopped_by_other,omitzero"`
	// Abandoned names what did not return in time and was left behind: "Deregister of " and the registrar, "Stop of
	// server 1", "OnStop hook 2", "stage flush", "Serve"; and, which are no errors, "OnState", "OnReport",
	// "OpenTelemetry", "the logger's handler", "Stop of admin server 1" and "Serve of an admin server".
	Abandoned []string `json:"abandoned,omitempty"`
	// Error is the text of what Shutdown or Drain returned; empty after a clean offline.
	Error string `json:"error,omitempty"`
}

// A Phase is one line of a Report. One that had nothing to do has no line.
type Phase struct {
	// Name is "announce", "successor", "withdraw", "settle", "health", "refuse" (Strict), "early notice" (with
	// AtWithdrawn), "idle" (Strict), "quiet", "proof", "goaway", "notice", "streams", "end", "calls", "force", "stage "
	// and its name, "hooks" or "close".
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
	r.Callers = slices.Clone(r.Callers)
	r.Abandoned = slices.Clone(r.Abandoned)
	r.StillListed, r.Unproven = slices.Clone(r.StillListed), slices.Clone(r.Unproven)
	return r
}

func (o *offline) outcome(err error) Outcome {
	switch {
	case o.kind.stays() && errors.Is(err, ErrResumed):
		return OutcomeResumed
	case o.kind.stays() && (errors.Is(err, ErrStopping) || errors.Is(err, errBegunAnew)):
		return OutcomeSuperseded
	case o.kind.stays() && errors.Is(err, ErrNotQuiet):
		return OutcomeNotQuiet
	case o.kind.stays() && o.unconfirmed:
		return OutcomeUnconfirmed
	case o.kind.stays():
		return OutcomeDrained
	case o.report.Forced:
		return OutcomeForced
	}
	return OutcomeStopped
}
