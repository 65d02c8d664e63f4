// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
)

func TestLevelOfTheLastLine(t *testing.T) {
	for want, reports := range map[slog.Level][]Report{
		slog.LevelInfo:  {{}, {Outcome: OutcomeStopped}, {Outcome: OutcomeDrained, Unproven: []string{"a"}}, {Outcome: OutcomeResumed}},
		slog.LevelWarn:  {{StreamsEnded: 1}, {CallsAnswered: 1}, {Unconfirmed: true}, {StillListed: []string{"a"}}, {Abandoned: []string{"a"}}, {Forced: true}, {Outcome: OutcomeNotQuiet}},
		slog.LevelError: {{CallsCut: 1}, {StreamsCut: 1}, {ConnectionsCut: 1}, {Forced: true, ConnectionsCut: 2}},
	} {
		for _, r := range reports {
			if got := r.level(); got != want {
				t.Errorf("level of %+v = %v, want %v", r, got, want)
			}
		}
	}
}

// Whatever a report has, the line has the same keys and is not long.
func TestReportInALog(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	list := []string{long, long, long, long, long, long, long}
	full := Report{
		Trigger: long, StillListed: list, Unproven: list, Abandoned: list,
		Registrars: []RegistrarStatus{{Name: long}, {Name: long}, {Name: long}, {Name: long}, {Name: long}, {Name: long}},
	}
	for range 7 {
		full.Callers = append(full.Callers, Caller{Peer: long, Method: long, UserAgent: long, Count: 1 << 60})
	}
	full.Settling = Settling{Before: 1 << 60, Advice: long}
	m := New(&fakeServer{}, WithPolicy(Strict), WithStreamNotice(AtWithdrawn))
	for _, p := range m.phases(&offline{kind: kindShutdown}) {
		full.Phases = append(full.Phases, Phase{Name: string(p.name)})
	}
	var keys []map[string]any
	for _, r := range []Report{{}, full} {
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("offline ends", "report", r)
		if out.Len() > 4<<10 {
			t.Errorf("the line has %d bytes, want 4 KiB at the most", out.Len())
		}
		var line struct{ Report map[string]any }
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, line.Report)
	}
	for key := range keys[1] {
		if _, ok := keys[0][key]; !ok {
			t.Errorf("an empty report has no key %q", key)
		}
	}
	if len(keys[0]) != len(keys[1]) || len(keys[0]) == 0 {
		t.Errorf("%d keys without anything, %d with everything, want the same", len(keys[0]), len(keys[1]))
	}
}
