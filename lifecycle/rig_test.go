// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"
)

// A recorder holds what happened to all fakes of a test, in order, with the time since it was made.
type recorder struct {
	began time.Time
	mu    sync.Mutex
	what  []string
	when  []time.Duration
	past  []string // from before the last reset
}

func newRecorder() *recorder { return &recorder{began: time.Now()} }

func (r *recorder) add(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.what = append(r.what, what)
	r.when = append(r.when, time.Since(r.began))
}

func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.past = append(r.past, r.what...)
	r.what, r.when, r.began = nil, nil, time.Now()
}

// all returns what has happened since the recorder was made.
func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Concat(r.past, r.what)
}

func (r *recorder) events() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.what)
}

// at returns when what happened first.
func (r *recorder) at(t *testing.T, what string) time.Duration {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(r.what, what)
	if i < 0 {
		t.Fatalf("events = %q, want %q among them", r.what, what)
	}
	return r.when[i]
}

func wantEvents(t *testing.T, r *recorder, want ...string) {
	t.Helper()
	if got := r.events(); !slices.Equal(got, want) {
		t.Errorf("events:\n got %q\nwant %q", got, want)
	}
}

// A rig is a Manager whose every part is a fake.
type rig struct {
	*recorder
	server *fakeServer
	calls  *fakeCalls
	health fakeHealth
	reg    *fakeRegistrar
	*Manager
	result  chan error // of Run
	signals chan osSignal
	cancel  context.CancelCauseFunc
}

var errTerminate = errors.New("terminate")

func newRig(t *testing.T, opts ...Option) *rig {
	r := &rig{recorder: newRecorder(), result: make(chan error, 1)}
	r.calls = &fakeCalls{recorder: r.recorder}
	r.server = &fakeServer{recorder: r.recorder, calls: r.calls, stopped: make(chan struct{})}
	r.health = fakeHealth{r.recorder}
	r.reg = newFakeRegistrar(r.recorder, "nacos")
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	r.Manager = New(r.server, append([]Option{
		WithCalls(r.calls), WithHealth(r.health), WithRegistrar(r.reg), WithLogger(log),
		WithOnStop(func(context.Context) error { r.add("hook"); return nil }),
	}, opts...)...)
	return r
}

// run calls Run, waits until the instance is listed as far as it gets, and starts the clock of the events anew.
func (r *rig) run(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	r.cancel = cancel
	go func() { r.result <- r.Run(ctx, fakeListener{}) }()
	time.Sleep(time.Minute)
	r.recorder.reset()
}

func (r *rig) terminate() { r.cancel(errTerminate) }
