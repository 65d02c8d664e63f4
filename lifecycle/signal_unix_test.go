// SPDX-License-Identifier: Apache-2.0

//go:build unix

package lifecycle

import (
	"syscall"
	"testing"
	"time"
)

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
