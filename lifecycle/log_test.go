// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A sink is the handler of a logger that does something of its own with each line.
type sink struct {
	slog.Handler
	line func(slog.Record)
}

func (s sink) Enabled(context.Context, slog.Level) bool { return true }
func (s sink) WithAttrs([]slog.Attr) slog.Handler       { return s }

func (s sink) Handle(_ context.Context, r slog.Record) error {
	s.line(r)
	return nil
}

func TestLoggerThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := make(chan struct{})
		r := newRig(t, WithLogger(slog.New(sink{line: func(slog.Record) { <-full }})))
		r.run(t)
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if took := time.Since(r.began); took > 5*time.Second {
			t.Errorf("Run took %v, want what it takes without a log", took)
		}
		if got := r.Report().Abandoned; !slices.Contains(got, "the logger's handler") {
			t.Errorf("Report.Abandoned = %q, want the logger", got)
		}
		close(full)
	})
}

// A lock that is held while the level is asked for would be a deadlock, so this runs in real time, with a limit.
func TestLevelThatAsksForStatus(t *testing.T) {
	var m atomic.Pointer[Manager]
	level := leveler(func() slog.Level {
		if m := m.Load(); m != nil {
			_ = m.Status()
		}
		return slog.LevelInfo
	})
	r := newRig(t, WithLogger(slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: level}))), WithSettle(0), WithQuiet(0))
	m.Store(r.Manager)
	over := make(chan error, 1)
	go func() { over <- errors.Join(r.Start(t.Context(), fakeListener{}.Addr()), r.Shutdown(t.Context())) }()
	select {
	case err := <-over:
		if err != nil {
			t.Errorf("Start and Shutdown = %v, want nil", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Start or Shutdown hangs: a lock is held while the level is asked for")
	}
}

type leveler func() slog.Level

func (l leveler) Level() slog.Level { return l() }

func TestLoggerThatAsksForStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m *Manager
		lines := map[string]int{}
		r := newRig(t, WithLogger(slog.New(sink{line: func(r slog.Record) {
			_ = m.Status()
			lines[r.Message]++
		}})))
		m = r.Manager
		r.run(t)
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if lines["offline begins"] != 1 || lines["offline ends"] != 1 {
			t.Errorf("lines = %v, want all of them when Run has returned", lines)
		}
	})
}
