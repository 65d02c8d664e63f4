// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// namedCalls can tell who calls.
type namedCalls struct {
	*fakeCalls
	callers []Caller
	oldest  []RPC
	unnamed int
}

func (c *namedCalls) Callers() []Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.callers)
}

func (c *namedCalls) Oldest(n int) ([]RPC, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.oldest[:min(n, len(c.oldest))]), c.unnamed
}

// call admits a late call now.
func (c *namedCalls) call(peer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.admitted++
	c.late++
	i := slices.IndexFunc(c.callers, func(known Caller) bool { return known.Peer == peer })
	if i < 0 {
		c.callers = append(c.callers, Caller{Peer: peer, Method: "/s/M", UserAgent: "a/1", First: time.Now()})
		i = len(c.callers) - 1
	}
	c.callers[i].Count++
	c.callers[i].Last = time.Now()
}

func newNamedRig(t *testing.T, opts ...Option) (*rig, *namedCalls) {
	var named *namedCalls
	r := newRig(t, append(opts, func(c *config) {
		named = &namedCalls{fakeCalls: c.calls.(*fakeCalls)}
		c.calls = named
	})...)
	return r, named
}

// Status and the lines name who calls, and what is waited for.
func TestWhatIsWaitedForHasNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := map[string]map[string]any{}
		r, calls := newNamedRig(t, WithLogger(slog.New(sink{line: func(l slog.Record) {
			attrs := map[string]any{}
			l.Attrs(func(a slog.Attr) bool { attrs[a.Key] = a.Value.Any(); return true })
			if _, known := lines[l.Message]; !known || attrs["phase"] == phaseName("calls") {
				lines[l.Message] = attrs
			}
		}})))
		r.run(t)
		calls.call("10.0.0.9")
		if s := r.Status(); len(s.Callers)+len(s.Oldest) > 0 {
			t.Errorf("while serving: callers %+v, oldest %+v; want nothing", s.Callers, s.Oldest)
		}
		calls.callers, calls.late = nil, 0
		r.calls.set(2, 0)
		calls.oldest, calls.unnamed = []RPC{{Method: "/s/Slow", Peer: "10.0.0.1", Began: time.Now()}, {Method: "/s/M", Peer: "10.0.0.2", Began: time.Now()}}, 1
		r.terminate()
		time.Sleep(time.Second)
		calls.call("10.0.0.2")
		synctest.Wait()
		s := r.Status()
		if len(s.Callers) != 1 || s.Callers[0].Peer != "10.0.0.2" || len(s.Oldest) != 2 || s.Unnamed != 1 {
			t.Errorf("callers %+v, oldest %+v, %d without a name; want one, two, one", s.Callers, s.Oldest, s.Unnamed)
		}
		time.Sleep(8 * time.Second)
		r.calls.set(0, 0)
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if got := lines["waiting"]; got["method"] != "/s/Slow" || got["peer"] != "10.0.0.1" || got["unnamed"] != int64(1) || len(got["rpcs"].([]string)) != 2 {
			t.Errorf("waiting %v, want the oldest RPC by name", got)
		}
		if got, _ := lines["late calls"]["callers"].([]string); len(got) != 1 || got[0] != "1 from 10.0.0.2, /s/M, a/1" {
			t.Errorf("late calls %v, want the caller", lines["late calls"])
		}
		ends, _ := lines["offline ends"]["report"].(Report)
		if len(ends.Callers) != 1 {
			t.Errorf("offline ends %v, want the caller", lines["offline ends"])
		}
	})
}

func TestReportInSentences(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	last := Caller{Peer: "orders", Method: "/s/M", Count: 3, Last: began.Add(2 * time.Second)}
	for want, r := range map[string]Report{
		"There was no offline.": {},
		"The offline began at 2026-01-02T03:04:05Z (drain by hand) and goes on. No call was admitted after the trigger. Nothing was cut or refused.": {
			Began: began, Trigger: "drain by hand",
		},
		"The offline began at 2026-01-02T03:04:05Z (signal terminated), took 8.21s, and ended: forced. " +
			"Registrars: nacos is withdrawn since 35ms after the trigger. " +
			"After the trigger 4 calls were admitted: 1 until the absence was confirmed, 3 during settle (3s), 0 after it. " +
			"The last one came 1.97s after the confirmed absence, from orders, /s/M. Advice: wait longer. " +
			"GracefulStop began 3.6s after the trigger, with 2 unary calls and 1 stream in flight at the trigger. " +
			"What clients may have noticed: 1 stream ended early, with a status, 2 unary calls cut. " +
			"Not returned in time: Stop of server 1. Error: forced.": {
			Began: began, Trigger: "signal terminated", Took: 8210 * time.Millisecond, Outcome: OutcomeForced,
			Registrars: []RegistrarStatus{{Name: "nacos", State: Withdrawn, Absent: began.Add(35 * time.Millisecond)}},
			Settling:   Settling{Settle: 3 * time.Second, Before: 1, During: 3, LastCaller: &last, Propagation: 1965 * time.Millisecond, Advice: "wait longer"},
			Phases:     []Phase{{Name: "goaway", After: 3600 * time.Millisecond}}, AtTrigger: Counts{Unary: 2, Streams: 1},
			StreamsEnded: 1, CallsCut: 2, Abandoned: []string{"Stop of server 1"}, Error: "forced",
		},
	} {
		if got := r.String(); got != want {
			t.Errorf("String()\n got %q\nwant %q", got, want)
		}
	}
}

// A Report does not claim what nobody has counted, and does not call a refusal nothing.
func TestReportOfWhatIsNotKnown(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		report  Report
		in, out string
		atWarn  bool
	}{
		{Report{Began: began, Uncounted: true}, "Calls were not counted", "Nothing was cut", false},
		{Report{Began: began, Forced: true, ConnectionsUnknown: true}, "connections cut that nobody counts", "Nothing was cut", true},
		{Report{Began: began, AtEnd: Counts{Refused: 3}}, "3 calls refused", "No call came", true},
	} {
		text := c.report.String()
		if !strings.Contains(text, c.in) || strings.Contains(text, c.out) {
			t.Errorf("String() = %q, want %q in it, and not %q", text, c.in, c.out)
		}
		if got := c.report.level() >= slog.LevelWarn; got != c.atWarn {
			t.Errorf("level of %q is %v", text, c.report.level())
		}
	}
}
