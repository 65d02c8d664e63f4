// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A server has stopped when its calls have: net/http knows nothing of those behind h2c.NewHandler. The fake server of
// these tests returns from GracefulStop at once.

func TestCallsThatOutliveTheirServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.server.calls = nil
		r.run(t)
		r.calls.set(1, 1)
		r.terminate()
		for !slices.Contains(r.events(), "calls.TellStreams") {
			time.Sleep(time.Millisecond)
		}
		r.calls.set(0, 0)
		ended := time.Now()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if got := time.Since(ended); got < answerLead || got > 2*answerLead {
			t.Errorf("Run returned %v after the last call, want time for its answer", got)
		}
		if r.at(t, "calls.Refuse") != r.at(t, "GracefulStop") {
			t.Errorf("events = %q, want that nothing is admitted once the server has stopped", r.events())
		}
		if got := r.Report(); got.Outcome != OutcomeStopped || got.Forced || got.AtEnd.Unary != 0 {
			t.Errorf("Report = %+v, want stopped", got)
		}
	})
}

func TestCallsThatOutliveTheirServerAndTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.server.calls = nil
		r.run(t)
		r.calls.set(3, 0)
		r.calls.answerable = 1
		r.terminate()
		err := <-r.result
		if !errors.Is(err, ErrForcedStop) || !strings.Contains(err.Error(), errLeft.Error()) {
			t.Errorf("Run() = %v, want ErrForcedStop, because calls go on", err)
		}
		if got := r.Report(); !got.Forced || got.CallsAnswered != 1 || got.CallsCut != 2 || !got.ConnectionsUnknown {
			t.Errorf("Report = %+v, want one call answered and two cut", got)
		}
		// 600 ms to confirm, 3 s settle, 500 ms quiet, then the grace of streams.
		if got, want := time.Since(r.began), 4100*time.Millisecond+DefaultStreamGrace; got < want || got > want+time.Second {
			t.Errorf("Run took %v, want %v: no longer than streams have", got, want)
		}
	})
}

func TestForceWhileCallsOutliveTheirServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.server.calls = nil
		r.run(t)
		r.calls.set(1, 0)
		r.terminate()
		time.Sleep(5 * time.Second)
		r.Force()
		if err := <-r.result; !errors.Is(err, errForce) {
			t.Errorf("Run() = %v, want who forced", err)
		}
		if got := r.Report(); got.CallsCut != 1 || time.Since(r.began) > 6*time.Second {
			t.Errorf("Report after %v = %+v, want one call cut", time.Since(r.began), got)
		}
	})
}
