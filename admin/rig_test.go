// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lameduck-go/lameduck/admin"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// A rig is a Manager that runs, whose parts are fakes, and its Handler.
type rig struct {
	*lifecycle.Manager
	http.Handler
	server    *fakeServer
	registrar *fakeRegistrar
	calls     *fakeCalls
	log       *lockedBuffer // of the Handler
	end       func()        // the end of Run's context
	result    chan error    // of Run
}

// newRig runs an instance in fake time, until it is listed: settle takes 3 s and quiet 500 ms.
func newRig(t *testing.T, opts ...lifecycle.Option) *rig {
	r := &rig{
		server:    &fakeServer{stopped: make(chan struct{}), release: make(chan struct{})},
		registrar: &fakeRegistrar{delay: time.Second, operator: make(chan bool, 1)}, calls: &fakeCalls{}, log: &lockedBuffer{}, result: make(chan error, 1),
	}
	r.Manager = lifecycle.New(r.server, append([]lifecycle.Option{
		lifecycle.WithRegistrar(r.registrar), lifecycle.WithCalls(r.calls), lifecycle.WithLogger(slog.New(slog.NewTextHandler(t.Output(), nil))),
	}, opts...)...)
	r.Handler = admin.Handler(r.Manager, admin.WithLogger(slog.New(slog.NewTextHandler(r.log, nil))))
	return r
}

// run runs it until the test ends.
func (r *rig) run(t *testing.T) *rig {
	ctx, cancel := context.WithCancel(context.Background())
	r.end = cancel
	go func() { r.result <- r.Run(ctx, fakeListener{}) }()
	t.Cleanup(func() {
		cancel()
		r.Force()
		<-r.result
	})
	synctest.Wait()
	return r
}

// listed waits until the registry lists the instance.
func (r *rig) listed(t *testing.T) *rig {
	r.run(t)
	time.Sleep(time.Minute)
	return r
}

// An answer is one of the handler.
type answer struct {
	code   int
	header http.Header
	keys   map[string]any
}

func (a answer) text(key string) string {
	text, _ := a.keys[key].(string)
	return text
}

// ask sends a request of this host, by no socket.
func ask(t *testing.T, h http.Handler, method, target string, change ...func(*http.Request)) answer {
	t.Helper()
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9090}
	req := httptest.NewRequestWithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, local), method, target, nil)
	req.RemoteAddr, req.Host = "127.0.0.1:40000", "localhost:9090"
	for _, f := range change {
		f(req)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	a := answer{code: w.Code, header: w.Header()}
	if err := json.Unmarshal(w.Body.Bytes(), &a.keys); err != nil {
		t.Errorf("%s %s: body %q is not JSON: %v", method, target, w.Body, err)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("%s %s: Cache-Control = %q, want no-store", method, target, got)
	}
	return a
}

// want compares an answer; errorPart is a part of its error, empty: it has none.
func want(t *testing.T, what string, got answer, code int, state lifecycle.State, errorPart string) {
	t.Helper()
	if got.code != code || got.text("state") != state.String() {
		t.Errorf("%s: %d %v, want %d and state %v", what, got.code, got.keys, code, state)
	}
	if text := got.text("error"); text == "" != (errorPart == "") || !strings.Contains(text, errorPart) {
		t.Errorf("%s: error = %q, want %q in it", what, text, errorPart)
	}
}

type fakeServer struct {
	stop    sync.Once
	stopped chan struct{}
	hangs   bool          // GracefulStop waits for release
	release chan struct{} // closed by Stop
}

func (s *fakeServer) Serve(net.Listener) error {
	<-s.stopped
	return nil
}

func (s *fakeServer) GracefulStop() {
	if s.hangs {
		<-s.release
	}
	s.Stop()
}

func (s *fakeServer) Stop() {
	s.stop.Do(func() {
		close(s.release)
		close(s.stopped)
	})
}

type fakeListener struct{}

func (fakeListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (fakeListener) Close() error              { return nil }
func (fakeListener) Addr() net.Addr            { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7000} }

// fakeRegistrar lists the instance, and confirms its absence, after delay.
type fakeRegistrar struct {
	delay    time.Duration
	fails    bool // Deregister
	operator chan bool
}

func (r *fakeRegistrar) Register(ctx context.Context, _ net.Addr) error { return r.pause(ctx) }

func (r *fakeRegistrar) Deregister(ctx context.Context) error {
	if r.fails {
		return errors.New("the registry did not answer")
	}
	return r.pause(ctx)
}

func (r *fakeRegistrar) pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(r.delay):
		return nil
	}
}

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

func (r *fakeRegistrar) Settle() time.Duration { return 3 * time.Second }
func (r *fakeRegistrar) String() string        { return "nacos secret.example:8848" }

// fakeCalls has no calls, or traffic that never stops.
type fakeCalls struct {
	mu       sync.Mutex
	busy     bool
	admitted uint64
}

func (c *fakeCalls) setBusy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = true
}

func (c *fakeCalls) Admitted() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy {
		c.admitted++
	}
	return c.admitted
}

func (*fakeCalls) InFlight() (unary, streams int) { return 0, 0 }
func (*fakeCalls) Late() uint64                   { return 0 }
func (*fakeCalls) Refused() uint64                { return 0 }
func (*fakeCalls) Drain()                         {}
func (*fakeCalls) TellStreams()                   {}
func (*fakeCalls) EndStreams(int) int             { return 0 }
func (*fakeCalls) AbandonCalls() int              { return 0 }
func (*fakeCalls) Refuse()                        {}
func (*fakeCalls) Resume()                        {}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
