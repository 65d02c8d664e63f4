// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestReportAsJSONAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.terminate()
		<-r.result
		text, err := json.Marshal(r.Report())
		if err != nil {
			t.Fatal(err)
		}
		var back Report
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if back.Outcome != OutcomeStopped || back.Policy != Lossless || len(back.Phases) < 6 || back.Registrars[0].State != Withdrawn {
			t.Errorf("report = %s, want a stopped lossless offline with its phases", text)
		}
	})
}

func TestUnknownNamesInJSON(t *testing.T) {
	var s State
	var p Policy
	for _, err := range []error{json.Unmarshal([]byte(`"lame"`), &s), json.Unmarshal([]byte(`"lame"`), &p)} {
		if err == nil || !strings.Contains(err.Error(), `"lame" is not known`) {
			t.Errorf("Unmarshal() = %v, want an error that names it", err)
		}
	}
}

func TestReportOfTheLastOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		for range 2 {
			began := time.Now()
			if err := r.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := r.Report(); !got.Began.Equal(began) || got.Outcome != OutcomeDrained {
				t.Errorf("Report began %v with outcome %q, want %v, drained", got.Began, got.Outcome, began)
			}
			if err := r.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s := r.Status().Registrars[0]; !s.Absent.IsZero() {
				t.Errorf("absent since %v, want never: it is registered", s.Absent)
			}
		}
		r.terminate()
		<-r.result
	})
}

// What was in flight, what a registrar has said, and the states, each once.
func TestReportStatusAndStatesAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []State
		r := newRig(t, WithOnState(func(s State) { heard = append(heard, s) }))
		r.run(t)
		r.reg.deregister = func(context.Context) error { return errBroken }
		_ = r.Drain(t.Context())
		if got := r.Status().Registrars[0].Error; !strings.Contains(got, errBroken.Error()) {
			t.Errorf("Status().Registrars[0].Error = %q, want the registrar's", got)
		}
		r.reg.deregister = nil
		r.calls.set(2, 0)
		r.terminate()
		time.Sleep(time.Second)
		r.calls.set(1, 0)
		r.calls.refuse(3)
		<-r.result
		if want := []State{Serving, Draining, Stopping, Stopped}; !slices.Equal(heard, want) {
			t.Errorf("states = %v, want %v", heard, want)
		}
		report := r.Report()
		if report.AtTrigger.Unary != 2 || report.AtEnd.Unary != 1 || report.AtEnd.Refused != 3 {
			t.Errorf("AtTrigger = %+v, AtEnd = %+v; want 2 in flight, then 1 and 3 refused", report.AtTrigger, report.AtEnd)
		}
		report.Phases[0].Name, report.Registrars[0].Name = "mine", "mine"
		if again := r.Report(); again.Phases[0].Name == "mine" || again.Registrars[0].Name == "mine" {
			t.Error("a Report changes with one that was returned before, want a copy")
		}
	})
}
