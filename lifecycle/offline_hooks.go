// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// hookMin is what stages and hooks together get where the budget is used up: a chance to look at their context.
const hookMin = 50 * time.Millisecond

var errHookLimit = errors.New("its share of the time for hooks is used up")

const (
	stagePrefix   = "stage " // of the name of a stage's phase
	stageNameMost = 40       // bytes
)

// A stage is one of WithStage.
type stage struct {
	name  string
	limit time.Duration
	run   func(context.Context) error
}

// stagePhases is a phase for each stage, in the order in which they were given.
func (m *Manager) stagePhases() (phases []phase) {
	for n, s := range m.stages {
		after := len(m.stages) - n - 1 + len(m.onStop)
		phases = append(phases, phase{
			name: phaseName(stagePrefix + s.name), waits: "a function of WithStage", until: endOfTheBudget,
			run: func(ctx context.Context, o *offline) error { return m.runStage(ctx, o, s, after) },
		})
	}
	return phases
}

// runStage gives a stage its limit, and leaves some time to the functions after it.
func (m *Manager) runStage(ctx context.Context, o *offline, s stage, after int) error {
	left := time.Until(o.hooksBy)
	if after > 0 {
		left -= min(hooksKept, left/2)
	}
	if s.limit > 0 {
		left = min(left, s.limit)
	}
	if err := m.callWithin(ctx, o, max(left, 0), stagePrefix+s.name, s.run); err != nil {
		return fmt.Errorf("lifecycle: stage %s: %w", s.name, err)
	}
	return nil
}

// runHooks calls the OnStop hooks, the last one first. Each gets an equal share of what is left, so that one that hangs
// does not starve the others.
func (m *Manager) runHooks(ctx context.Context, o *offline) error {
	if len(m.onStop) == 0 {
		return errSkipped
	}
	var errs []error
	for i, hook := range slices.Backward(m.onStop) {
		name := fmt.Sprintf("OnStop hook %d", i+1)
		if err := m.callWithin(ctx, o, time.Until(o.hooksBy)/time.Duration(i+1), name, hook); err != nil {
			errs = append(errs, fmt.Errorf("lifecycle: %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// callWithin calls a function of the program, whose context ends after share, or sooner once somebody has forced the
// end. One that does not return soon after that is abandoned.
func (m *Manager) callWithin(ctx context.Context, o *offline, share time.Duration, name string, f func(context.Context) error) error {
	timed, stop := context.WithTimeoutCause(context.WithoutCancel(ctx), share, errHookLimit)
	defer stop()
	limited, cancel := context.WithCancelCause(timed)
	defer cancel(nil)
	result := make(chan error, 1)
	go func() { result <- f(limited) }() // waited for, or abandoned
	select {
	case err := <-result:
		return err
	case <-limited.Done():
	case <-o.forced:
		o.hurryHooks()
		defer time.AfterFunc(time.Until(o.hooksBy)/2, func() { cancel(errHookLimit) }).Stop()
		select {
		case err := <-result:
			return err
		case <-limited.Done():
		}
	}
	select {
	case err := <-result:
		return err
	case <-time.After(min(share/10, leastWait)):
		o.abandon(name)
		return errHookLimit
	}
}

// hurryHooks leaves stages and hooks what is kept for them, and not all of the budget: whoever forces the end has lost
// patience.
func (o *offline) hurryHooks() {
	left := max(time.Until(o.forcedSince.Add(keptForHooks(o.plan.budget()))), hookMin)
	o.hooksBy = earlier(o.hooksBy, time.Now().Add(left))
}
