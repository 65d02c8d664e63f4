// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// A phase is one step of an offline.
type phase struct {
	name  phaseName
	waits string                   // for what; empty: for nothing
	until func(*offline) time.Time // how long at the latest; asked as it begins to wait
	// change is what Resume takes back. It is called with the lock held, and not once the drain is undone; it reports
	// false where there was nothing to do. nil: it changes nothing of that kind.
	change func(*offline) bool
	// before waits before change, run does the rest after it. Each may be nil, and ends soon after ctx. errSkipped is
	// not worth a line.
	before, run func(context.Context, *offline) error
	failure     consequence
	skip        bool
}

type phaseName string

// A consequence is what an error of a phase means for the offline.
type consequence string

const (
	consequenceFails    consequence = ""         // Shutdown and Drain return it
	consequenceHarmless consequence = "harmless" // they return it, and no call was lost by it: ExitCode does not count it
	consequenceMoved    consequence = "moved"    // a drain that stays returns it; GOAWAY moves whoever still calls
	consequenceNoted    consequence = "noted"    // it stands in the report and the log
)

// errSkipped is returned by a phase that had nothing to do and is not worth a line.
var errSkipped = errors.New("lifecycle: skipped")

func applying(phases []phase) []phase {
	return slices.DeleteFunc(phases, func(p phase) bool { return p.skip })
}

// runPhase runs one phase, and writes it down in the report and the log. What it returns is part of the error of the
// offline.
func (m *Manager) runPhase(ctx context.Context, o *offline, p phase) error {
	if o.undone(ctx) {
		return nil
	}
	began := time.Now()
	o.waits(p)
	stop := m.tellWaiting(o, p)
	err := m.carryOut(ctx, o, p)
	stop()
	if errors.Is(err, errSkipped) {
		return nil
	}
	m.write(o, p.name, began, err)
	if err == nil {
		return nil
	}
	switch p.failure {
	case consequenceNoted:
		return nil
	case consequenceMoved:
		if !o.kind.stays() {
			return nil
		}
	case consequenceHarmless:
		return harmlessError{err}
	}
	return err
}

func (m *Manager) carryOut(ctx context.Context, o *offline, p phase) error {
	if p.before != nil {
		if err := p.before(ctx, o); err != nil {
			return err
		}
	}
	if p.change != nil && !m.change(ctx, o, p.change) {
		return errSkipped
	}
	o.waits(p) // the change may have set the limit
	if p.run != nil {
		return p.run(ctx, o)
	}
	return nil
}

// change makes a change that Resume takes back, unless it has: what undoes the drain holds the same lock, so the last
// one is right.
func (m *Manager) change(ctx context.Context, o *offline, f func(*offline) bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !o.undone(ctx) && f(o)
}

// write puts a phase that has ended into the report and the log.
func (m *Manager) write(o *offline, name phaseName, began time.Time, err error) {
	p := Phase{Name: string(name), After: began.Sub(o.plan.trigger), Took: time.Since(began)}
	counts := m.counts()
	args := []any{
		"phase", name, "took", p.Took.Round(time.Millisecond),
		"unary", counts.Unary, "streams", counts.Streams, "late", counts.Late, "refused", counts.Refused,
	}
	if err != nil {
		p.Error = err.Error()
		args = append(args, "err", err)
	}
	level := slog.LevelDebug
	if err != nil || p.Took >= worthALine {
		level = slog.LevelInfo
	}
	m.log.Log(context.Background(), level, "offline", args...)
	o.note(func(r *Report) { r.Phases = append(r.Phases, p) })
}
