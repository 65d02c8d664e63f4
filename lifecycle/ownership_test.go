// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A closableListener knows whether it was closed.
type closableListener struct {
	fakeListener
	closed atomic.Bool
}

func (l *closableListener) Close() error {
	l.closed.Store(true)
	return nil
}

func TestRunThatFailsClosesAllListeners(t *testing.T) {
	first, further := &closableListener{}, &closableListener{}
	r := newRig(t, WithServer(&fakeServer{recorder: newRecorder()}, further), WithSettle(time.Hour))
	if err := r.Run(t.Context(), first); err == nil || !strings.Contains(err.Error(), "WithSettle") {
		t.Errorf("Run() = %v, want the option that is wrong", err)
	}
	if !first.closed.Load() || !further.closed.Load() {
		t.Errorf("closed: first %t, further %t, want both", first.closed.Load(), further.closed.Load())
	}
}

func TestSecondRunLeavesItsListenersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		lis := &closableListener{}
		if err := r.Run(t.Context(), lis); err == nil || lis.closed.Load() {
			t.Errorf("second Run() = %v, listener closed: %t; want an error, and no", err, lis.closed.Load())
		}
		r.terminate()
		<-r.result
	})
}

func TestRunAfterStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		if err := r.Start(t.Context(), fakeListener{}.Addr()); err != nil {
			t.Fatal(err)
		}
		r.recorder.reset()
		lis := &closableListener{}
		if err := r.Run(t.Context(), lis); err == nil || lis.closed.Load() {
			t.Errorf("Run() = %v, listener closed: %t; want an error, and no", err, lis.closed.Load())
		}
		if s := r.Status(); s.State != Serving {
			t.Errorf("Status() = %+v, want it to go on serving", s)
		}
		wantEvents(t, r.recorder)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown() = %v, want nil", err)
		}
	})
}

// A registry that is down cannot withdraw what it does not list, and that is no failure of Start.
func TestDrainWhileTheRegistryIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		down := errors.New("down")
		r.reg.register = func(context.Context) error { return down }
		r.reg.deregister = func(context.Context) error { return down }
		r.run(t)
		if err := r.Drain(t.Context()); !errors.Is(err, down) || time.Since(r.began) > 5*time.Second {
			t.Errorf("Drain() = %v after %v, want the registry's error after settle and quiet", err, time.Since(r.began))
		}
		if got := r.Report(); got.Outcome != OutcomeUnconfirmed || !got.Unconfirmed {
			t.Errorf("Report = %+v, want unconfirmed", got)
		}
		var traffic sync.WaitGroup
		defer traffic.Wait()
		traffic.Go(func() {
			for r.Status().State == Draining {
				r.calls.admit(1)
				time.Sleep(100 * time.Millisecond)
			}
		})
		if err := r.Drain(t.Context()); !errors.Is(err, ErrNotQuiet) || r.Report().Outcome != OutcomeNotQuiet {
			t.Errorf("Drain() under traffic = %v, outcome %q; want not quiet, too", err, r.Report().Outcome)
		}
		time.Sleep(time.Minute)
		select {
		case err := <-r.result:
			t.Fatalf("Run() = %v, want it to go on", err)
		default:
		}
		r.terminate()
		<-r.result
	})
}

// An askingListener does something of its own when it is closed.
type askingListener struct {
	fakeListener
	closing func()
}

func (l askingListener) Close() error {
	l.closing()
	return nil
}

// A listener's Close may look at the Manager, or hang. A lock that is held meanwhile would be a deadlock, so this runs
// in real time, with a limit.
func TestRunThatFailsHoldsNoLock(t *testing.T) {
	r := newRig(t, WithSettle(time.Hour))
	released := make(chan struct{})
	defer close(released)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = r.Run(context.Background(), askingListener{closing: func() { _ = r.Status() }})
		_ = r.Run(context.Background(), askingListener{closing: func() { <-released }})
	}()
	select {
	case <-over:
	case <-time.After(20 * time.Second):
		t.Fatal("Run hangs with the Close of its listener")
	}
	_ = r.Status()
}

// A startingListener calls Start just before Run does.
type startingListener struct {
	fakeListener
	start func()
}

func (l startingListener) Addr() net.Addr {
	l.start()
	return l.fakeListener.Addr()
}

// Run is the only one from its first moment on.
func TestRunDuringRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var err error
		second := sync.OnceFunc(func() { err = r.Run(t.Context(), fakeListener{}) })
		go func() { r.result <- r.Run(t.Context(), startingListener{start: second}) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		if err == nil || err.Error() != "lifecycle: run: Run was called twice" {
			t.Errorf("second Run() = %v, want an error that says so", err)
		}
		if err := r.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown() = %v, want nil", err)
		}
		<-r.result
	})
}

// What the caller does to its slice later is its own affair.
func TestListenersOfAFurtherServerAreCopied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listeners := []net.Listener{fakeListener{}}
		r := newRig(t)
		further := &fakeServer{recorder: r.recorder, name: "further.", stopped: make(chan struct{})}
		WithServer(further, listeners...)(&r.config)
		listeners[0] = nil
		r.run(t)
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}

func TestStartDuringRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var err error
		start := sync.OnceFunc(func() { err = r.Start(t.Context(), fakeListener{}.Addr()) })
		result := make(chan error, 1)
		go func() { result <- r.Run(t.Context(), startingListener{start: start}) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		if err == nil || err.Error() != "lifecycle: start: Run was called before" {
			t.Errorf("Start() = %v, want an error that says so", err)
		}
		if s := r.Status(); !s.Ready {
			t.Errorf("Status() = %+v, want ready: Run goes on", s)
		}
		if err := r.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown() = %v, want nil", err)
		}
		<-result
	})
}
