// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// newRigOfTwo returns a rig with a second registrar.
func newRigOfTwo(t *testing.T, opts ...Option) (*rig, *fakeRegistrar) {
	t.Helper()
	r := newRig(t)
	second := newFakeRegistrar(r.recorder, "second")
	second.settle = time.Second
	r.Manager = New(r.server, append([]Option{WithCalls(r.calls), WithHealth(r.health), WithRegistrar(r.reg), WithRegistrar(second)}, opts...)...)
	return r, second
}

// The last one to confirm and the one that takes longest to settle decide.
func TestSettleOfSeveralRegistrars(t *testing.T) {
	for _, late := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			r, second := newRigOfTwo(t)
			r.run(t)
			[]*fakeRegistrar{r.reg, second}[late].delay = 2 * time.Second
			r.terminate()
			if err := <-r.result; err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
			want := 2*time.Second + r.reg.settle + DefaultQuiet
			if got := r.at(t, "GracefulStop"); (got - want).Abs() > 100*time.Millisecond {
				t.Errorf("registrar %d is late: GracefulStop after %v, want %v", late+1, got, want)
			}
		})
	}
}

func TestOneOfTwoRegistrarsDoesNotConfirm(t *testing.T) {
	for _, broken := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			r, second := newRigOfTwo(t)
			r.run(t)
			[]*fakeRegistrar{r.reg, second}[broken].deregister = func(context.Context) error { return errBroken }
			r.terminate()
			if err := <-r.result; !errors.Is(err, errBroken) || !r.Report().Unconfirmed {
				t.Errorf("Run() = %v, unconfirmed %t; want the error, and true", err, r.Report().Unconfirmed)
			}
		})
	}
}

// Unconfirmed is no reason to shorten settle, whether Deregister heeds its context or not.
func TestSettleLongerThanHalfTheBudget(t *testing.T) {
	for name, deregister := range map[string]func(context.Context, <-chan struct{}) error{
		"heeds its context":   func(ctx context.Context, _ <-chan struct{}) error { return hang(ctx) },
		"ignores its context": func(_ context.Context, released <-chan struct{}) error { <-released; return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				released := make(chan struct{})
				defer close(released)
				r := newRig(t, WithSettle(12*time.Second))
				r.run(t)
				r.reg.deregister = func(ctx context.Context) error { return deregister(ctx, released) }
				r.terminate()
				<-r.result
				if got, want := r.at(t, "GracefulStop"), withdrawLimit+12*time.Second; (got - want).Abs() > 150*time.Millisecond {
					t.Errorf("GracefulStop after %v, want %v", got, want)
				}
			})
		})
	}
}

func TestBackoffOfRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.reg.register = func(context.Context) error { return errBroken }
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		err := r.Start(ctx, fakeListener{}.Addr())
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "nacos") {
			t.Errorf("Start() = %v, want the cause, the registrar's name and its error", err)
		}
		r.recorder.mu.Lock()
		when := slices.Clone(r.when[slices.Index(r.what, "nacos.Register"):])
		r.recorder.mu.Unlock()
		for i, backoff := 1, registerBackoffMin; i < len(when); i, backoff = i+1, min(2*backoff, registerBackoffMax) {
			if pause := when[i] - when[i-1]; pause < backoff/2 || pause > backoff*3/2 {
				t.Errorf("pause %d is %v, want %v, less or more by half", i, pause, backoff)
			}
		}
		if len(when) < 8 {
			t.Errorf("Register was called %d times in two minutes, want at least 8", len(when))
		}
		r.Force()
		r.Shutdown(t.Context())
	})
}

// addressed remembers where it was registered.
type addressed struct {
	*fakeRegistrar
	addr string
}

func (a *addressed) Register(ctx context.Context, addr net.Addr) error {
	a.addr = addr.String()
	return a.fakeRegistrar.Register(ctx, addr)
}

type otherListener struct{ fakeListener }

func (otherListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7001} }

func TestRegisteredUnderTheFirstListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		reg := &addressed{fakeRegistrar: r.reg}
		further := &fakeServer{recorder: r.recorder, name: "further.", stopped: make(chan struct{})}
		r.Manager = New(r.server, WithRegistrar(reg), WithServer(further, otherListener{}))
		r.run(t)
		if want := (fakeListener{}).Addr().String(); reg.addr != want {
			t.Errorf("registered under %s, want %s", reg.addr, want)
		}
		r.terminate()
		<-r.result
	})
}

// What an earlier drain has confirmed says nothing about what Register may have listed since.
func TestConfirmationEndsWithTheNextRegister(t *testing.T) {
	for name, heeds := range map[string]bool{"Register heeds its context": true, "Register ignores its context": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.run(t)
				if err := r.Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				released := make(chan struct{})
				r.reg.register = func(ctx context.Context) error {
					if !heeds {
						<-released
						return nil
					}
					<-ctx.Done()
					return context.Cause(ctx)
				}
				r.reg.deregister = func(context.Context) error { <-released; return nil }
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := r.Resume(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Resume() = %v, want the cause of its context", err)
				}
				r.recorder.reset()
				r.terminate()
				if err := <-r.result; err == nil {
					t.Error("Run() = nil, want that Deregister has not returned")
				}
				if report := r.Report(); !report.Unconfirmed || r.at(t, "GracefulStop") < DefaultBudget/2 {
					t.Errorf("unconfirmed %v, GracefulStop after %v; want true and half the budget", report.Unconfirmed, r.at(t, "GracefulStop"))
				}
				close(released)
				time.Sleep(time.Minute)
				if events := r.events(); !heeds && slices.Contains(events, "nacos.Deregister") {
					t.Errorf("events %q, want no new call after Close", events)
				}
			})
		})
	}
}

// A registrar with a lock around everything does not answer while its Deregister hangs.
func TestSettleIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := &settleOnce{fakeRegistrar: newFakeRegistrar(newRecorder(), "once"), t: t}
		r := newRig(t, WithRegistrar(reg))
		r.run(t)
		if err := r.Drain(t.Context()); err != nil {
			t.Errorf("Drain() = %v, want nil", err)
		}
		r.terminate()
		<-r.result
	})
}

type settleOnce struct {
	*fakeRegistrar
	t     *testing.T
	asked bool
}

func (s *settleOnce) Settle() time.Duration {
	if s.asked {
		s.t.Error("Settle was asked twice")
	}
	s.asked = true
	return time.Second
}

// A drain by hand leaves alone what an operator holds, and withdraws it when they let go.
func TestOneOfTwoOnlineDuringADrainByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, second := newRigOfTwo(t)
		r.run(t)
		r.reg.operator <- true
		second.operator <- true
		r.reg.operator <- false
		time.Sleep(time.Second)
		if err := r.Drain(t.Context()); err != nil {
			t.Errorf("Drain() = %v, want nil", err)
		}
		wantEvents(t, r.recorder, "calls.Drain", "health.Drain", "not ready", "second.Deregister", "second absent", "health.Shutdown")
		r.reg.operator <- true
		time.Sleep(time.Minute)
		for _, s := range r.Status().Registrars {
			if s.State != Withdrawn || s.Offline {
				t.Errorf("Status() = %+v, want both withdrawn", s)
			}
		}
		r.terminate()
		<-r.result
	})
}
