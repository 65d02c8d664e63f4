// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"syscall"
	"testing"
	"time"
)

func TestNegativeDurationsAreZero(t *testing.T) {
	c := newConfig([]Option{WithBudget(-1), WithSettle(-1), WithQuiet(-1), WithStreamGrace(-1), WithRegisterTimeout(-1)})
	if c.budget != 0 || *c.settle != 0 || *c.quiet != 0 || c.streamGrace != 0 || c.registerTimeout != 0 {
		t.Errorf("budget %v, settle %v, quiet %v, grace %v, register timeout %v, want none",
			c.budget, *c.settle, *c.quiet, c.streamGrace, c.registerTimeout)
	}
}

// A real signal, so in real time.
func TestWithSignals(t *testing.T) {
	r := newRig(t, WithSignals(syscall.SIGUSR1), WithSettle(0), WithQuiet(0), WithOnState(func(s State) {
		if s == Serving { // Run heeds signals by then
			if err := syscall.Kill(syscall.Getpid(), syscall.SIGUSR1); err != nil {
				t.Error(err)
			}
		}
	}))
	r.reg.delay = 0
	go func() { r.result <- r.Run(t.Context(), fakeListener{}) }()
	select {
	case err := <-r.result:
		if err != nil || r.Report().Trigger != "signal user defined signal 1" {
			t.Errorf("Run() = %v, Trigger = %q; want nil, the signal", err, r.Report().Trigger)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Run has not returned after the signal")
	}
}
