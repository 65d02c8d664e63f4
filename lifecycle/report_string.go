// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// String tells what happened in sentences, for people: did we lose something, who called, was settle right. Logs and
// programs have the fields.
func (r Report) String() string {
	if r.Began.IsZero() {
		return "There was no offline."
	}
	parts := []string{r.tellEnd(), r.tellRegistrars(), r.tellLate(), r.tellStop(), r.tellLoss(), r.tellAbandoned()}
	if r.Error != "" {
		parts = append(parts, "Error: "+r.Error+".")
	}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), " ")
}

func (r Report) tellEnd() string {
	if r.Outcome == "" {
		return fmt.Sprintf("The offline began at %s (%s) and goes on.", r.Began.Format(time.RFC3339), r.Trigger)
	}
	return fmt.Sprintf("The offline began at %s (%s), took %v, and ended: %s.",
		r.Began.Format(time.RFC3339), r.Trigger, round(r.Took), r.Outcome)
}

func (r Report) tellRegistrars() string {
	var said []string
	for _, s := range r.Registrars {
		text := s.Name + " is " + string(s.State)
		if !s.Absent.IsZero() {
			text += fmt.Sprintf(" since %v after the trigger", round(max(s.Absent.Sub(r.Began), 0)))
		}
		said = append(said, text)
	}
	text := ""
	if len(said) > 0 {
		text = "Registrars: " + strings.Join(said, "; ") + "."
	}
	if r.Last {
		text += " No other usable instance was listed."
	}
	if r.Unconfirmed {
		text += " A registry may still have listed the instance when GracefulStop was due."
	}
	if len(r.StillListed) > 0 {
		text += " Still listed when settle was over: " + strings.Join(r.StillListed, "; ") + "."
	}
	return strings.TrimSpace(text)
}

// tellLate answers who called, and whether settle was right.
func (r Report) tellLate() string {
	if r.Uncounted {
		return "Calls were not counted: there is no Tracker."
	}
	s := r.Settling
	late := s.Before + s.During + s.After
	if late == 0 {
		return "No call was admitted after the trigger."
	}
	text := fmt.Sprintf("After the trigger %s admitted: %d until the absence was confirmed, %d during settle (%v), %d after it.",
		was(late, "call"), s.Before, s.During, round(s.Settle), s.After)
	if s.LastCaller != nil {
		when := "before the confirmed absence"
		if s.Propagation > 0 {
			when = fmt.Sprintf("%v after the confirmed absence", round(s.Propagation))
		}
		text += fmt.Sprintf(" The last one came %s, from %s.", when, whoCalls(*s.LastCaller))
	}
	if s.Advice != "" {
		text += " Advice: " + s.Advice + "."
	}
	return text
}

func (r Report) tellStop() string {
	for _, p := range r.Phases {
		if p.Name == "goaway" {
			text := fmt.Sprintf("GracefulStop began %v after the trigger", round(p.After))
			if r.Uncounted {
				return text + "."
			}
			return fmt.Sprintf("%s, with %s and %s in flight at the trigger.", text,
				number(r.AtTrigger.Unary, "unary call"), number(r.AtTrigger.Streams, "stream"))
		}
	}
	return ""
}

// tellLoss answers whether something was lost.
func (r Report) tellLoss() string {
	var said []string
	for _, part := range []struct {
		n    int
		what string
		done string
	}{
		{r.StreamsEnded, "stream", "ended early, with a status"},
		{r.CallsAnswered, "unary call", "answered UNAVAILABLE in place of the handler"},
		{r.CallsCut, "unary call", "cut"},
		{r.StreamsCut, "stream", "cut"},
		{r.ConnectionsCut, "connection", "cut"},
	} {
		if part.n > 0 {
			said = append(said, number(part.n, part.what)+" "+part.done)
		}
	}
	if refused := r.refused(); refused > 0 {
		said = append(said, number(refused, "call")+" refused")
	}
	if r.ConnectionsUnknown {
		said = append(said, "connections cut that nobody counts")
	}
	switch {
	case len(said) == 0 && r.Uncounted:
		return ""
	case len(said) == 0:
		return "Nothing was cut or refused."
	}
	return "What clients may have noticed: " + strings.Join(said, ", ") + "."
}

func (r Report) tellAbandoned() string {
	if len(r.Abandoned) == 0 {
		return ""
	}
	return "Not returned in time: " + strings.Join(r.Abandoned, ", ") + "."
}

func number[N int | uint64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func was[N int | uint64](n N, what string) string {
	if n == 1 {
		return number(n, what) + " was"
	}
	return number(n, what) + " were"
}

// round keeps what a person reads.
func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Millisecond)
}
