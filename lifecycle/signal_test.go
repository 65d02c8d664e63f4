// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

type osSignal = os.Signal

type fakeSignal struct{}

func (fakeSignal) String() string { return "terminated" }
func (fakeSignal) Signal()        {}

// Only a person at a terminal, or a signal that was named for it, forces.
func TestWhatSignalsForce(t *testing.T) {
	type sent struct {
		sig   os.Signal
		after time.Duration // since the one before
	}
	const soon, later = 3 * time.Millisecond, 1500 * time.Millisecond
	term, interrupt := syscall.SIGTERM, os.Interrupt
	for _, test := range []struct {
		name    string
		signals []sent
		forced  bool
	}{
		{"one", []sent{{term, 0}}, false},
		{"two within milliseconds", []sent{{term, 0}, {term, soon}}, false},
		{"two seconds apart", []sent{{term, 0}, {term, later}, {term, later}}, false},
		{"two interrupts within milliseconds", []sent{{interrupt, 0}, {interrupt, soon}}, false},
		{"interrupt repeated", []sent{{interrupt, 0}, {interrupt, later}}, true},
		{"interrupt repeated within milliseconds, and once more", []sent{{interrupt, 0}, {interrupt, soon}, {interrupt, later}}, true},
		{"an interrupt after a termination", []sent{{term, 0}, {interrupt, later}}, false},
		{"two interrupts after a termination", []sent{{term, 0}, {interrupt, later}, {interrupt, soon}}, true},
		{"the one for it", []sent{{term, 0}, {syscall.SIGABRT, soon}}, true},
		{"the one for it as the first", []sent{{syscall.SIGABRT, 0}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				r := newRig(t, WithForceSignals(syscall.SIGABRT), WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
				signals := make(chan os.Signal, 4)
				r.Manager.signalled = signals
				r.run(t)
				r.calls.set(1, 0)
				for _, s := range test.signals {
					time.Sleep(s.after)
					signals <- s.sig
				}
				time.Sleep(3 * time.Second)
				r.calls.set(0, 0)
				<-r.result
				if got := r.Report(); got.Forced != test.forced || !strings.HasPrefix(got.Trigger, "signal ") {
					t.Errorf("Report: forced %t, trigger %q; want %t, and a signal", got.Forced, got.Trigger, test.forced)
				}
				if said := strings.Count(log.String(), "changes nothing"); said > 1 || said == 0 && len(test.signals) > 1 && !test.forced {
					t.Errorf("it was said %d times that a signal changes nothing, want once:\n%s", said, log.String())
				}
			})
		})
	}
}
