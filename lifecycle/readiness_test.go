// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A trigger from outside leaves readiness as it is until GracefulStop begins; where nobody knows of the end yet it
// turns red at once.
func TestReadinessDuringShutdown(t *testing.T) {
	signal := func(_ *testing.T, r *rig) { r.signals <- fakeSignal{} }
	for _, test := range []struct {
		name    string
		trigger func(*testing.T, *rig)
		opts    []Option
		red     string // the event before which readiness turns red
	}{
		{"signal", signal, nil, "GracefulStop"},
		{"end of Run's context", func(_ *testing.T, r *rig) { r.terminate() }, nil, "GracefulStop"},
		{"Shutdown", func(t *testing.T, r *rig) { go r.Shutdown(t.Context()) }, nil, "GracefulStop"},
		{"operator's Exit", func(_ *testing.T, r *rig) { r.reg.operator <- false }, []Option{WithRegistryOffline(Exit)}, "nacos.Deregister"},
		{"Serve fails", func(_ *testing.T, r *rig) { r.server.stop.Do(func() { close(r.server.stopped) }) }, nil, "nacos.Deregister"},
		{"signal, with Strict", signal, []Option{WithPolicy(Strict)}, "GracefulStop"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, test.opts...)
				r.signals = make(chan osSignal, 1)
				r.Manager.signalled = r.signals
				r.run(t)
				r.reg.operator <- true
				if !r.Status().Ready {
					t.Fatal("Status().Ready = false, want true")
				}
				r.recorder.reset()
				test.trigger(t, r)
				<-r.result
				events := r.events()
				i := slices.Index(events, "not ready")
				if i < 0 || slices.Contains(events, "ready") {
					t.Fatalf("events = %q, want not ready once, and never ready again", events)
				}
				next := slices.DeleteFunc(events[i+1:], func(e string) bool { return e == "health.Shutdown" || e == "calls.Refuse" })
				if next[0] != test.red {
					t.Errorf("events = %q, want not ready right before %q", events, test.red)
				}
				if test.opts != nil && strings.Contains(test.name, "Strict") && i < slices.Index(events, "calls.Refuse") {
					t.Errorf("events = %q, want not ready when calls are refused", events)
				}
				if r.Status().Ready {
					t.Error("Status().Ready = true after the end")
				}
			})
		})
	}
}

// What is red when the trigger comes stays red.
func TestShutdownTurnsNothingGreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.reg.register = hang
		r.run(t)
		r.terminate()
		<-r.result
		if got := r.events(); slices.Contains(got, "ready") {
			t.Errorf("events = %q, want never ready: it was not listed", got)
		}
	})
}

func TestReadyUnlisted(t *testing.T) {
	for _, test := range []struct {
		opts  []Option
		ready time.Duration // -1: never
	}{
		{nil, -1},
		{[]Option{WithReadyUnlisted(10 * time.Second)}, 10 * time.Second},
		{[]Option{WithReadyUnlisted(0)}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, test.opts...)
			r.reg.register = func(context.Context) error { return errBroken }
			ctx, cancel := context.WithCancelCause(t.Context())
			r.cancel = cancel
			go func() { r.result <- r.Run(ctx, fakeListener{}) }()
			time.Sleep(time.Minute)
			if got := r.Status().Ready; got != (test.ready >= 0) {
				t.Errorf("Status().Ready = %t after a minute, want %t", got, test.ready >= 0)
			}
			if test.ready >= 0 && r.at(t, "ready") != test.ready {
				t.Errorf("ready after %v, want %v", r.at(t, "ready"), test.ready)
			}
			_ = r.Drain(t.Context())
			if r.Status().Ready {
				t.Error("Status().Ready = true while drained by hand")
			}
			r.terminate()
			<-r.result
		})
	}
}

func TestBeforeRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithBeforeRegister(nil))
		warm := func(name string) Option {
			return WithBeforeRegister(func(ctx context.Context) error {
				r.add(name)
				time.Sleep(time.Second)
				if s := r.Status(); s.State != Starting || s.Ready {
					t.Errorf("Status() = %+v while %s, want starting and not ready", s, name)
				}
				return ctx.Err()
			})
		}
		warm("caches")(&r.config)
		warm("connections")(&r.config)
		if err := r.Start(t.Context(), fakeListener{}.Addr()); err != nil {
			t.Errorf("Start() = %v, want nil", err)
		}
		wantEvents(t, r.recorder, "caches", "connections", "calls.Resume", "health.Resume", "nacos.Register", "nacos listed", "ready")
		r.Shutdown(t.Context())
	})
}

func TestBeforeRegisterThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithBeforeRegister(func(context.Context) error { return errBroken }))
		r.run(t)
		if err := <-r.result; !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "WithBeforeRegister, function 1") {
			t.Errorf("Run() = %v, want the function's error, and its name", err)
		}
		if got := r.events(); slices.Contains(got, "nacos.Register") || slices.Contains(got, "health.Resume") {
			t.Errorf("events = %q, want nothing announced", got)
		}
	})
}

// The end comes while the function runs; one that does not heed its context is named.
func TestShutdownDuringBeforeRegister(t *testing.T) {
	for _, heeds := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			r := newRig(t, WithBeforeRegister(func(ctx context.Context) error {
				if heeds {
					<-ctx.Done()
					return context.Cause(ctx)
				}
				<-release
				return nil
			}))
			r.run(t)
			r.terminate()
			err := <-r.result
			if took := time.Since(r.began); took > DefaultBudget+time.Second {
				t.Errorf("Run took %v, want at most the budget and a second", took)
			}
			abandoned := r.Report().Abandoned
			if heeds && (err != nil || abandoned != nil) {
				t.Errorf("Run() = %v, abandoned %q; want nil and nothing", err, abandoned)
			}
			if !heeds && !slices.Contains(abandoned, "a function of WithBeforeRegister") {
				t.Errorf("Run() = %v, abandoned %q; want the function among them", err, abandoned)
			}
			close(release)
		})
	}
}
