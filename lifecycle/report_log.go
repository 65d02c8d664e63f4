// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"log/slog"
	"strings"
	"time"
)

// What a Report may take in a log, so that the line stays below 4 KiB.
const (
	loggedItems = 5   // of a list
	loggedText  = 100 // bytes of one text

	loggedPhases = 24
)

// level is that of the last line of an offline: an error when something was cut, a warning when something else than
// the handlers had the last word, or somebody may still list the instance.
func (r Report) level() slog.Level {
	switch {
	case r.CallsCut > 0 || r.StreamsCut > 0 || r.ConnectionsCut > 0:
		return slog.LevelError
	case r.Forced || r.StreamsEnded > 0 || r.CallsAnswered > 0 || r.Unconfirmed || len(r.StillListed) > 0 ||
		len(r.Abandoned) > 0 || r.Outcome == OutcomeNotQuiet || r.refused() > 0:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// refused is how many RPCs were refused since the trigger.
func (r Report) refused() uint64 { return r.AtEnd.Refused - min(r.AtTrigger.Refused, r.AtEnd.Refused) }

// LogValue is the Report as a group with fixed keys, for slog. Lists and texts are cut, so that it stays below 4 KiB;
// a zero is left in, so that a log store has the same fields for every offline.
func (r Report) LogValue() slog.Value {
	phases := make([]string, 0, len(r.Phases))
	for n, p := range r.Phases {
		if n == loggedPhases {
			phases = append(phases, "…")
			break
		}
		phases = append(phases, p.Name+" "+p.Took.Round(time.Millisecond).String())
	}
	registrars := make([]string, 0, len(r.Registrars))
	for _, s := range r.Registrars {
		registrars = append(registrars, s.Name+": "+string(s.State))
	}
	return slog.GroupValue(
		slog.String("trigger", cutText(r.Trigger)),
		slog.String("policy", r.Policy.String()),
		slog.String("outcome", string(r.Outcome)),
		slog.Duration("took", r.Took.Round(time.Millisecond)),
		slog.Any("phases", phases),
		slog.Any("registrars", cutList(registrars)),
		slog.Bool("last", r.Last),
		slog.Uint64("late", r.AtEnd.Late-min(r.AtTrigger.Late, r.AtEnd.Late)),
		slog.Uint64("late_after_settle", r.Settling.After),
		slog.Any("callers", busiest(r.Callers)),
		slog.String("advice", cutText(r.Settling.Advice)),
		slog.Uint64("refused", r.refused()),
		slog.Bool("unconfirmed", r.Unconfirmed),
		slog.Any("still_listed", cutList(r.StillListed)),
		slog.Any("unproven", cutList(r.Unproven)),
		slog.Int("streams_ended", r.StreamsEnded),
		slog.Int("calls_answered", r.CallsAnswered),
		slog.Bool("forced", r.Forced),
		slog.Int("calls_cut", r.CallsCut),
		slog.Int("streams_cut", r.StreamsCut),
		slog.Int("connections_cut", r.ConnectionsCut),
		slog.Any("abandoned", cutList(r.Abandoned)),
	)
}

func cutText(s string) string {
	if len(s) <= loggedText {
		return s
	}
	return strings.ToValidUTF8(s[:loggedText], "") + "…"
}

func cutList(list []string) []string {
	out := []string{}
	for n, s := range list {
		if n == loggedItems {
			return append(out, "…")
		}
		out = append(out, cutText(s))
	}
	return out
}
