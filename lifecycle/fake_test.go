// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A recorder holds what happened to all fakes of a test, in order, with the time since it was made.
type recorder struct {
	began time.Time
	mu    sync.Mutex
	what  []string
	when  []time.Duration
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
	r.what, r.when, r.began = nil, nil, time.Now()
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

type fakeServer struct {
	*recorder
	name    string
	calls   *fakeCalls
	stop    sync.Once
	stopped chan struct{}
	hang    chan struct{} // nil: nothing hangs; else both stops hang until it is closed
	fail    error         // of Serve

	listener atomic.Pointer[net.Listener]
}

func (s *fakeServer) Serve(l net.Listener) error {
	s.add(s.name + "Serve")
	s.listener.Store(&l)
	if s.fail != nil {
		return s.fail
	}
	<-s.stopped
	return nil
}

// GracefulStop waits for what is in flight, as grpc-go's does.
func (s *fakeServer) GracefulStop() {
	s.add(s.name + "GracefulStop")
	if l := s.listener.Load(); l != nil {
		(*l).Close()
	}
	if s.hang != nil {
		<-s.hang
	}
	for s.calls != nil && !s.calls.none() {
		select {
		case <-s.stopped:
			return
		case <-s.calls.changed():
		}
	}
	s.stop.Do(func() { close(s.stopped) })
}

func (s *fakeServer) Stop() {
	s.add(s.name + "Stop")
	if s.hang != nil {
		<-s.hang
	}
	s.stop.Do(func() { close(s.stopped) })
}

// fakeCalls stands in for the Tracker.
type fakeCalls struct {
	*recorder
	mu             sync.Mutex
	unary, streams int
	admitted       uint64
	refused        uint64
	answerable     int
	change         chan struct{}
	ended          []time.Duration // when streams were ended
	deaf           bool            // streams do not end
}

func (c *fakeCalls) set(unary, streams int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unary, c.streams = unary, streams
	c.notify()
}

func (c *fakeCalls) notify() {
	if c.change != nil {
		close(c.change)
		c.change = nil
	}
}

func (c *fakeCalls) changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.change == nil {
		c.change = make(chan struct{})
	}
	return c.change
}

func (c *fakeCalls) none() bool {
	unary, streams := c.InFlight()
	return unary+streams == 0
}

// told returns how many times streams were told.
func (c *fakeCalls) told() (n int) {
	for _, e := range c.events() {
		if e == "calls.TellStreams" {
			n++
		}
	}
	return n
}

func (c *fakeCalls) admit(n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.admitted += n
}

func (c *fakeCalls) InFlight() (unary, streams int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unary, c.streams
}

func (c *fakeCalls) Admitted() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.admitted
}

func (c *fakeCalls) Late() uint64 { return 0 }

func (c *fakeCalls) Refused() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}

func (c *fakeCalls) Drain()       { c.add("calls.Drain") }
func (c *fakeCalls) TellStreams() { c.add("calls.TellStreams") }
func (c *fakeCalls) Refuse()      { c.add("calls.Refuse") }
func (c *fakeCalls) Resume()      { c.add("calls.Resume") }

func (c *fakeCalls) EndStreams(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n < 0 || n > c.streams {
		n = c.streams
	}
	if c.deaf {
		return n
	}
	for range n {
		c.ended = append(c.ended, time.Since(c.began))
	}
	c.streams -= n
	c.notify()
	return n
}

func (c *fakeCalls) AnswerCalls() int {
	c.add("calls.AnswerCalls")
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(c.answerable, c.unary)
	c.unary -= n
	c.notify()
	return n
}

type fakeHealth struct{ *recorder }

func (h fakeHealth) Shutdown()   { h.add("health.Shutdown") }
func (h fakeHealth) Resume()     { h.add("health.Resume") }
func (h fakeHealth) EndWatches() { h.add("health.EndWatches") }

// fakeRegistrar confirms after a delay, unless told otherwise.
type fakeRegistrar struct {
	*recorder
	name       string
	delay      time.Duration
	settle     time.Duration
	register   func(ctx context.Context) error // nil: succeeds after delay
	deregister func(ctx context.Context) error
	close      func() error
	operator   chan bool
}

func newFakeRegistrar(r *recorder, name string) *fakeRegistrar {
	return &fakeRegistrar{recorder: r, name: name, delay: 600 * time.Millisecond, settle: 3 * time.Second, operator: make(chan bool, 1)}
}

func (r *fakeRegistrar) wait(ctx context.Context, f func(context.Context) error) error {
	if f != nil {
		return f(ctx)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(r.delay):
		return nil
	}
}

func (r *fakeRegistrar) Register(ctx context.Context, _ net.Addr) error {
	r.add(r.name + ".Register")
	err := r.wait(ctx, r.register)
	if err == nil {
		r.add(r.name + " listed")
	}
	return err
}

func (r *fakeRegistrar) Deregister(ctx context.Context) error {
	r.add(r.name + ".Deregister")
	err := r.wait(ctx, r.deregister)
	if err == nil {
		r.add(r.name + " absent")
	}
	return err
}

func (r *fakeRegistrar) Settle() time.Duration { return r.settle }
func (r *fakeRegistrar) String() string        { return r.name }

func (r *fakeRegistrar) Watch(ctx context.Context, changed func(bool)) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case online := <-r.operator:
			changed(online)
		}
	}
}

func (r *fakeRegistrar) Close() error {
	r.add(r.name + ".Close")
	if r.close != nil {
		return r.close()
	}
	return nil
}

type fakeListener struct{}

func (fakeListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (fakeListener) Close() error              { return nil }
func (fakeListener) Addr() net.Addr            { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7000} }

// A rig is a Manager whose every part is a fake.
type rig struct {
	*recorder
	server *fakeServer
	calls  *fakeCalls
	health fakeHealth
	reg    *fakeRegistrar
	*Manager
	result chan error // of Run
	cancel context.CancelCauseFunc
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
