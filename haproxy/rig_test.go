// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A rig is a Registrar of s1 with its balancers.
type rig struct {
	*Registrar
	t     *testing.T
	fakes []*fake
	log   *log
}

var s1Addr = &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 9001}

// newRig makes as many balancers, with names "unix:1" and so on.
func newRig(t *testing.T, balancers int, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, log: new(log)}
	cfg := Config{Backend: "grpc", Server: "s1", Logger: slog.New(slog.NewTextHandler(r.log, nil))}
	for i := range balancers {
		cfg.Addresses = append(cfg.Addresses, fmt.Sprintf("unix:%d", i+1))
	}
	for _, c := range change {
		c(&cfg)
	}
	registrar, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Registrar = registrar
	r.log.ask = func() { registrar.Published() }
	for _, b := range registrar.balancers {
		f := newFake()
		b.dial = f.dial
		r.fakes = append(r.fakes, f)
	}
	return r
}

func byAddress(cfg *Config) { cfg.Server = "" }

// within runs f in fake time with one balancer or more, and closes the Registrar behind it.
func within(t *testing.T, balancers int, f func(t *testing.T, r *rig), change ...func(*Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, balancers, change...)
		defer r.Close()
		f(t, r)
	})
}

func (r *rig) mustRegister() {
	r.t.Helper()
	if err := r.Register(r.t.Context(), s1Addr); err != nil {
		r.t.Fatalf("Register() = %v, want nil", err)
	}
}

func (r *rig) mustDeregister() {
	r.t.Helper()
	if err := r.Deregister(r.t.Context()); err != nil {
		r.t.Fatalf("Deregister() = %v, want nil", err)
	}
}

func (r *rig) wantAdmin(want admin, when string) {
	r.t.Helper()
	for i, f := range r.fakes {
		if got := f.s1().admin; got != want {
			r.t.Errorf("%s the admin state of s1 at balancer %d is %#x, want %#x", when, i+1, int(got), int(want))
		}
	}
}

func (r *rig) wantLog(text string, times int) {
	r.t.Helper()
	if n := strings.Count(r.log.String(), text); n != times {
		r.t.Errorf("the log has %q %d times, want %d:\n%s", text, n, times, r.log)
	}
}

// log collects lines. It asks the Registrar before, as a logger may: no line is written with the lock held.
type log struct {
	ask  func()
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(b []byte) (int, error) {
	l.ask()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// watching is a Watch and what it has told.
type watching struct {
	mu    sync.Mutex
	told  []bool
	stop  context.CancelFunc
	ended chan error
}

func (r *rig) watch(slow time.Duration) *watching {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watching{stop: cancel, ended: make(chan error, 1)}
	go func() {
		w.ended <- r.Watch(ctx, func(online bool) {
			time.Sleep(slow)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told = append(w.told, online)
		})
	}()
	r.t.Cleanup(cancel)
	return w
}

func (w *watching) all() []bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]bool{}, w.told...)
}
