// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeregisterDrainsAndReadsBack(t *testing.T) {
	within(t, 2, func(t *testing.T, r *rig) {
		r.mustRegister()
		for _, f := range r.fakes {
			f.asked()
		}
		r.mustDeregister()
		r.wantAdmin(forcedDrain, "after Deregister")
		want := []string{
			"show servers state grpc", // what operators have done last
			"show servers state grpc",
			"set server grpc/s1 state drain; show servers state grpc",
		}
		if got := r.fakes[0].asked(); !reflect.DeepEqual(got, want) {
			t.Errorf("asked %q, want %q", got, want)
		}
		r.mustDeregister()
		if got := r.fakes[0].asked(); !reflect.DeepEqual(got, want[:1]) {
			t.Errorf("the second time asked %q, want %q", got, want[:1])
		}
	})
}

// TestDeregisterFails: nothing but a drain that is shown is success.
func TestDeregisterFails(t *testing.T) {
	for name, test := range map[string]struct {
		spoil   func(*fake)
		want    string
		refused bool
		most    time.Duration // zero: at once
	}{
		"nobody listens":         {func(f *fake) { f.fault = refusing }, "connection refused", false, 2 * time.Second},
		"silent":                 {func(f *fake) { f.fault = silent }, "no reply in time", false, 2 * time.Second},
		"closes":                 {func(f *fake) { f.fault = hangup }, "ends early", false, 2 * time.Second},
		"half a reply":           {func(f *fake) { f.fault, f.reply = scripted, realTable[:200] }, "ends early", false, 2 * time.Second},
		"garbage":                {func(f *fake) { f.fault, f.reply = scripted, "HTTP/1.0 400 Bad request\r\n" }, "HTTP/1.0 400", true, 0},
		"a reply without an end": {func(f *fake) { f.fault, f.reply = scripted, strings.Repeat("x", replyMost+1) }, "a reply of more than", false, 0},
		"unknown backend":        {func(f *fake) { f.fault, f.reply = scripted, "Can't find backend.\n\n" }, "Can't find backend", true, 0},
		"unknown server":         {func(f *fake) { f.servers[0].name = "t1" }, "no server grpc/s1", true, 0},
		"no rights":              {func(f *fake) { f.words["s1"] = "Permission denied" }, "level admin", true, 0},
		"any other words":        {func(f *fake) { f.words["s1"] = "Not today." }, "Not today.", true, 0},
		"accepted and not done":  {func(f *fake) { f.deaf = true }, "not shown", false, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, 2, func(t *testing.T, r *rig) {
				r.mustRegister()
				r.fakes[1].mu.Lock()
				test.spoil(r.fakes[1])
				r.fakes[1].mu.Unlock()
				began := time.Now()
				err := r.Deregister(t.Context())
				took := time.Since(began)
				var e interface {
					error
					Refused() bool
					Unconfirmed() bool
				}
				if !errors.As(err, &e) || !errors.Is(err, ErrUnconfirmed) || !e.Unconfirmed() || !strings.Contains(err.Error(), test.want) ||
					!strings.Contains(err.Error(), "unix:2") || strings.Contains(err.Error(), "unix:1") {
					t.Fatalf("Deregister() = %v, want one that wraps ErrUnconfirmed and has %q of unix:2 alone", err, test.want)
				}
				if e.Refused() != test.refused || errors.Is(err, ErrRefused) != test.refused {
					t.Errorf("Refused() of %v = %v, want %v", err, e.Refused(), test.refused)
				}
				if slack := 500 * time.Millisecond; took > test.most+slack || took < test.most {
					t.Errorf("Deregister took %v, want %v", took, test.most)
				}
				if r.fakes[0].s1().admin != forcedDrain {
					t.Errorf("the other balancer was not told")
				}
				if !strings.Contains(r.Published(), "unix:2") || strings.Contains(r.Published(), "unix:1") {
					t.Errorf("Published() = %q, want unix:2", r.Published())
				}
			})
		})
	}
}

func TestDeregisterThroughAReload(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.mustRegister()
		r.fakes[0].fail(refusing, "")
		time.AfterFunc(time.Second, func() { r.fakes[0].fail("", "") })
		r.mustDeregister()
		r.wantAdmin(forcedDrain, "after Deregister")
	})
}

func TestDeregisterEndsWithItsContext(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.mustRegister()
		r.fakes[0].fail(silent, "")
		cause := errors.New("over")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, cause)
		defer cancel()
		began := time.Now()
		if err := r.Deregister(ctx); !errors.Is(err, cause) || !errors.Is(err, ErrUnconfirmed) || time.Since(began) > 400*time.Millisecond {
			t.Errorf("Deregister() = %v after %v, want %v after 300ms", err, time.Since(began), cause)
		}
	})
}

func TestDeregisterWithoutRegister(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.mustDeregister()
		r.wantAdmin(forcedDrain, "after Deregister")
	})
	within(t, 1, func(t *testing.T, r *rig) {
		r.mustDeregister()
		r.wantAdmin(0, "without an address")
	}, byAddress)
}

func TestDeregisterEndsRegister(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.fakes[0].change(func(s *server) { s.op = down })
		registered := make(chan error, 1)
		go func() { registered <- r.Register(t.Context(), s1Addr) }()
		time.Sleep(3 * time.Second)
		r.mustDeregister()
		if err := <-registered; !errors.Is(err, errWithdrawing) {
			t.Errorf("Register() = %v, want %v", err, errWithdrawing)
		}
		r.wantAdmin(forcedDrain, "after Deregister")
	})
}

// TestDeregisterEndsEveryRegister: also one that waits behind another.
func TestDeregisterEndsEveryRegister(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.fakes[0].change(func(s *server) { s.op = down })
		registered := make(chan error, 3)
		for range cap(registered) {
			go func() { registered <- r.Register(t.Context(), s1Addr) }()
		}
		time.Sleep(3 * time.Second)
		began := time.Now()
		r.mustDeregister()
		if took := time.Since(began); took > time.Second {
			t.Errorf("Deregister took %v", took)
		}
		for range cap(registered) {
			if err := <-registered; !errors.Is(err, errWithdrawing) {
				t.Errorf("Register() = %v, want %v", err, errWithdrawing)
			}
		}
		r.wantAdmin(forcedDrain, "after Deregister")
	})
}

func TestClose(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.fakes[0].change(func(s *server) { s.op = down })
		registered := make(chan error, 1)
		go func() { registered <- r.Register(t.Context(), s1Addr) }()
		synctest.Wait()
		watch := r.watch(0)
		for range 2 {
			if err := r.Close(); err != nil {
				t.Errorf("Close() = %v, want nil", err)
			}
		}
		for what, err := range map[string]error{
			"Register under way": <-registered,
			"Register":           r.Register(t.Context(), s1Addr),
			"Deregister":         r.Deregister(t.Context()),
			"Watch under way":    <-watch.ended,
			"Watch":              r.Watch(t.Context(), func(bool) {}),
		} {
			if !errors.Is(err, ErrClosed) {
				t.Errorf("%s = %v, want %v", what, err, ErrClosed)
			}
		}
	})
}
