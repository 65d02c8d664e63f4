// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestExitCode(t *testing.T) {
	soft := harmlessError{errBroken}
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errBroken, 1},
		{soft, 0},
		{fmt.Errorf("main: %w", soft), 0},
		{errors.Join(soft, nil, soft), 0},
		{errors.Join(soft, errBroken), 1},
		{fmt.Errorf("%w, %w", soft, errors.Join(soft, fmt.Errorf("a hook: %w", errBroken))), 1},
		{errors.Join(soft, fmt.Errorf("%w: budget", ErrForcedStop)), 3},
	} {
		if got := ExitCode(test.err); got != test.want {
			t.Errorf("ExitCode(%v) = %d, want %d", test.err, got, test.want)
		}
	}
}

// What a process makes of the ways in which Run ends.
func TestExitCodeOfRun(t *testing.T) {
	for _, test := range []struct {
		name    string
		arrange func(*rig)
		opts    []Option
		want    int
		err     bool // Run says it
	}{
		{"clean", func(*rig) {}, nil, 0, false},
		{"operator's Exit", func(r *rig) { r.reg.operator <- true; r.reg.operator <- false }, []Option{WithRegistryOffline(Exit)}, 0, false},
		{"the registry cannot be reached", func(r *rig) { r.reg.deregister = hang }, nil, 0, true},
		{"Close is late", func(r *rig) { r.reg.close = func() error { time.Sleep(time.Minute); return nil } }, nil, 0, true},
		{"a hook fails", func(*rig) {}, []Option{WithOnStop(func(context.Context) error { return errBroken })}, 1, true},
		{"a server is stopped by somebody else", func(r *rig) { r.server.Stop() }, nil, 1, true},
		{"forced", func(r *rig) { r.calls.set(1, 0) }, nil, 3, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, test.opts...)
				r.run(t)
				test.arrange(r)
				time.Sleep(time.Second)
				r.terminate()
				err := <-r.result
				if got := ExitCode(err); got != test.want || (err != nil) != test.err {
					t.Errorf("Run() = %v, ExitCode %d; want %d, an error: %t", err, got, test.want, test.err)
				}
				time.Sleep(time.Hour)
			})
		})
	}
}
