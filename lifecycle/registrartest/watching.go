// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A watching is a Watch that has not returned, and what it has told.
type watching struct {
	*call
	cancel context.CancelFunc

	mu      sync.Mutex
	reports []bool
	wrong   string
	inside  bool // the function is being called
	over    bool // Watch has returned
}

// watch begins Watch, with a function that takes so long.
func (s *scene) watch(slow time.Duration) *watching {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watching{cancel: cancel}
	w.call = s.begin(ctx, "Watch", func() error {
		err := s.registrar.(watcher).Watch(ctx, func(online bool) { w.changed(online, slow) })
		w.locked(func() { w.over = true })
		return err
	})
	s.Cleanup(w.end)
	return w
}

func (w *watching) locked(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// changed counts as told when it is over.
func (w *watching) changed(online bool, slow time.Duration) {
	w.locked(func() {
		switch {
		case w.over:
			w.wrong = "Watch has called the function after its return"
		case w.inside:
			w.wrong = "Watch has called the function while it was called already"
		}
		w.inside = true
	})
	if slow > 0 {
		time.Sleep(slow)
	}
	w.locked(func() {
		w.inside = false
		w.reports = append(w.reports, online)
	})
}

// end ends Watch, and looks at how it has called the function. It may be called again.
func (w *watching) end() {
	w.Helper()
	w.cancel()
	_ = w.wait()
	w.locked(func() {
		if w.wrong != "" {
			w.Error(w.wrong)
			w.wrong = ""
		}
	})
}

// told returns the reports from the nth on.
func (w *watching) told(n int) (reports []bool) {
	w.locked(func() { reports = slices.Clone(w.reports[min(n, len(w.reports)):]) })
	return reports
}

// wantFrom waits for a report after the first n, until the last one is the wanted one, and returns how many there are.
func (w *watching) wantFrom(n int, want bool, when string) int {
	w.Helper()
	last := func() bool {
		reports := w.told(n)
		return len(reports) > 0 && reports[len(reports)-1] == want
	}
	if !w.comes(w.Patience, last) {
		w.Fatalf("%s Watch has told %v in %v, want %v at last", when, w.told(n), w.Patience, want)
	}
	return len(w.told(0))
}

// silent looks, for as long as Quiet, that nothing is told after the first n.
func (w *watching) silent(n int, when string) {
	w.Helper()
	if w.comes(w.Quiet, func() bool { return len(w.told(n)) > 0 }) {
		w.Fatalf("%s Watch has told %v, want nothing", when, w.told(n))
	}
}

// neverOffline looks, for as long as Quiet, that no absence is told after the first n.
func (w *watching) neverOffline(n int, when string) {
	w.Helper()
	if w.comes(w.Quiet, func() bool { return slices.Contains(w.told(n), false) }) {
		w.Fatalf("%s Watch has told %v, and no operator has done anything", when, w.told(n))
	}
}
