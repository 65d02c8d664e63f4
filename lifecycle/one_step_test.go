// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"
)

// A picture is what calls and health say of the instance, each of them by itself.
type picture struct {
	mu       sync.Mutex
	changes  int
	draining bool // as calls have it
	check    bool // SERVING by Check
	ready    bool
}

// seen is a picture without its lock.
type seen struct {
	changes                int
	draining, check, ready bool
}

func (p *picture) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes++
	f()
}

func (p *picture) look() seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	return seen{p.changes, p.draining, p.check, p.ready}
}

type pictureCalls struct {
	*fakeCalls
	picture *picture
}

func (c pictureCalls) Drain()  { c.picture.change(func() { c.picture.draining = true }) }
func (c pictureCalls) Resume() { c.picture.change(func() { c.picture.draining = false }) }

type pictureHealth struct{ *picture }

func (h pictureHealth) CloseTraffic()       {}
func (h pictureHealth) Drain()              { h.change(func() { h.check = false }) }
func (h pictureHealth) Shutdown()           { h.change(func() { h.check = false }) }
func (h pictureHealth) Resume()             { h.change(func() { h.check = true }) }
func (h pictureHealth) SetReady(ready bool) { h.change(func() { h.ready = ready }) }
func (h pictureHealth) EndWatches()         {}

// wantOneStep looks at the Manager between two looks at the picture: where the picture has not changed in between, the
// two have to agree.
func wantOneStep(t *testing.T, when string, m *Manager, p *picture) {
	t.Helper()
	before := p.look()
	s := m.Status()
	if before != p.look() {
		return
	}
	serving := s.State == Serving
	if before.check != serving || before.draining != (s.State >= Draining) || before.ready != s.Ready {
		t.Errorf("%s: state %v, ready %t; calls drain: %t, Check says SERVING: %t, readiness: %t",
			when, s.State, s.Ready, before.draining, before.check, before.ready)
	}
	for _, r := range s.Registrars {
		if serving && !s.Ready && r.State == Registered {
			t.Errorf("%s: serving and registered, and not ready", when)
		}
		if serving && r.Offline {
			t.Errorf("%s: serving, and held by an operator", when)
		}
	}
}

// State, Status, Ready, calls and health change in one step, whoever looks, and whenever.
func TestOneStep(t *testing.T) {
	p := &picture{}
	r := newRig(t)
	r.reg.delay = 0
	m := New(r.server, WithCalls(pictureCalls{r.calls, p}), WithHealth(pictureHealth{p}), WithRegistrar(r.reg), WithSettle(0), WithQuiet(0),
		WithLogger(slog.New(slog.DiscardHandler)))

	looks, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case <-looks:
				return
			default:
				wantOneStep(t, "meanwhile", m, p)
			}
		}
	}()
	wantOneStep(t, "at first", m, p)
	if err := m.Start(t.Context(), &net.TCPAddr{}); err != nil {
		t.Fatalf("Start() = %v, want nil", err)
	}
	if s, now := m.Status(), p.look(); !s.Ready || !now.ready {
		t.Errorf("Start has returned, Status().Ready = %t, readiness says %t; want true", s.Ready, now.ready)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	k := m.reconcilers[0]
	for range 50 {
		if err := m.Drain(ended); err != nil && !errors.Is(err, context.Canceled) { // nil: it was over at once
			t.Fatalf("Drain() = %v, want the cause of its context", err)
		}
		wantOneStep(t, "Drain", m, p)
		if err := m.Resume(t.Context()); err != nil {
			t.Fatalf("Resume() = %v, want nil", err)
		}
		wantOneStep(t, "Resume", m, p)
		for _, online := range []bool{false, true} {
			m.operator(t.Context(), k, online)
			wantOneStep(t, "operator", m, p)
		}
	}
	_ = m.Shutdown(ended)
	wantOneStep(t, "Shutdown", m, p)
	for m.Status().State != Stopped {
		time.Sleep(time.Millisecond)
	}
	if r := m.Report(); r.Outcome != OutcomeStopped || r.Took == 0 || len(r.Registrars) == 0 {
		t.Errorf("the state is stopped, and the Report is not complete: %+v", r)
	}
	if err := m.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown() = %v, want nil", err)
	}
	close(looks)
	<-over
}
