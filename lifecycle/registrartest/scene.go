// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// A scene is one subtest with its world.
type scene struct {
	testing.TB
	Make
	World
	registrar lifecycle.Registrar
	closed    bool
}

func newScene(t testing.TB, m Make) *scene {
	t.Helper()
	w, err := m.World(t).withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{TB: t, Make: m, World: w}
	s.labelled(func() { s.registrar, err = w.New() }) // a constructor begins goroutines, too
	if err != nil || s.registrar == nil {
		t.Fatalf("World.New() = %v, %v, want a Registrar", s.registrar, err)
	}
	t.Cleanup(s.close)
	return s
}

// open makes the registrar leave nothing behind.
func (s *scene) open() {
	s.Cleanup(func() {
		if !s.closed {
			_ = s.deregister(s.within(s.Patience)) // for some subtests the registry is away
		}
	})
}

// close is Close where it may fail: the registry is away, or another method is under way.
func (s *scene) close() {
	s.Helper()
	if c, ok := s.registrar.(closer); ok && !s.closed {
		s.closed = true
		s.atMost(s.Patience, "Close", func() { _ = c.Close() })
	}
}

// fault makes something wrong, until restore or the end of the subtest.
func (s *scene) fault(lever func() func()) (restore func()) {
	undo := lever()
	var once sync.Once // a sync.OnceFunc turns t.Fatal into a panic
	restore = func() { once.Do(undo) }
	s.Cleanup(restore)
	return restore
}

// within is for calls of the subtest and of its cleanups.
func (s *scene) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeoutCause(context.Background(), d, errLimit)
	s.Cleanup(cancel)
	return ctx
}

var errLimit = errors.New("registrartest: the call's limit")

func endedContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func (s *scene) register(ctx context.Context) error {
	s.Helper()
	return s.begin(ctx, "Register", func() error { return s.registrar.Register(ctx, s.Addr) }).wait()
}

func (s *scene) deregister(ctx context.Context) error {
	s.Helper()
	return s.begin(ctx, "Deregister", func() error { return s.registrar.Deregister(ctx) }).wait()
}

// mustRegister registers, and looks whether consumers know of it.
func (s *scene) mustRegister() {
	s.Helper()
	if err := s.register(s.within(s.Patience)); err != nil {
		s.Fatalf("Register() = %v, want nil", err)
	}
	if !s.isSoon(true, s.Lag) {
		s.Fatal("Register() = nil, and the instance is not listed")
	}
}

// mustDeregister deregisters, and looks whether consumers know of it.
func (s *scene) mustDeregister() {
	s.Helper()
	if err := s.deregister(s.within(s.Patience)); err != nil {
		s.Fatalf("Deregister() = %v, want nil", err)
	}
	if !s.isSoon(false, s.Lag) {
		s.Fatal("Deregister() = nil, and the instance is listed")
	}
}

// look is how often the suite looks.
const look = 20 * time.Millisecond

// isSoon looks at once, and goes on looking for d.
func (s *scene) isSoon(listed bool, d time.Duration) bool {
	return s.comes(d, func() bool { return s.Listed() == listed })
}

func (s *scene) comes(d time.Duration, ok func() bool) bool { return comes(d, look, ok) }

func comes(d, every time.Duration, ok func() bool) bool {
	for limit := time.Now().Add(d); !ok(); time.Sleep(every) {
		if !time.Now().Before(limit) {
			return false
		}
	}
	return true
}

func (s *scene) eventually(what string, ok func() bool) {
	s.Helper()
	if !s.comes(s.Patience, ok) {
		s.Fatalf("not in %v: %s", s.Patience, what)
	}
}

func (s *scene) wantListed(when string) {
	s.Helper()
	s.eventually(when+" the instance is listed", s.Listed)
}

func (s *scene) wantAbsent(when string) {
	s.Helper()
	s.eventually(when+" the instance is absent", func() bool { return !s.Listed() })
}

// stays looks for as long as Stay.
func (s *scene) stays(listed bool, when string) {
	s.Helper()
	began := time.Now()
	if s.isSoon(!listed, s.Stay) {
		s.Fatalf("%s the instance is listed: %v, %v later; want it to stay as it was", when, !listed, time.Since(began).Round(time.Millisecond))
	}
}
