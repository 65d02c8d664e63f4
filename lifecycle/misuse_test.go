// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A looseCalls is a Tracker whose interceptors no server has.
type looseCalls struct{ *fakeCalls }

func (looseCalls) Attached() bool { return false }

// A handlingCalls knows the context of its RPCs.
type handlingCalls struct{ *fakeCalls }

type handled struct{}

func (handlingCalls) Handles(ctx context.Context) bool { return ctx.Value(handled{}) != nil }

func TestMisuseThatWouldSayNothing(t *testing.T) {
	r := newRig(t)
	for _, test := range []struct {
		name string
		opts []Option
		want string
	}{
		{"no server has the interceptors", []Option{WithCalls(looseCalls{r.calls})}, "WithCalls: no server has the interceptors"},
		{"two Trackers", []Option{WithCalls(r.calls), WithCalls(&fakeCalls{recorder: r.recorder})}, "WithCalls: given twice"},
		{"a registrar twice", []Option{WithRegistrar(r.reg), WithRegistrar(r.reg)}, "WithRegistrar: nacos was given twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, err := range map[string]error{
				"Run":   New(r.server, test.opts...).Run(t.Context(), fakeListener{}),
				"Start": New(r.server, test.opts...).Start(t.Context(), fakeListener{}.Addr()),
			} {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s() = %v, want one about %q", name, err, test.want)
				}
			}
		})
	}
	if got := r.events(); len(got) > 0 {
		t.Errorf("events = %q, want none", got)
	}
}

// One that cannot be compared is no twin of anything.
type incomparable struct {
	*fakeRegistrar
	_ []int
}

func TestRegistrarsThatCannotBeCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		i := incomparable{fakeRegistrar: r.reg}
		m := New(r.server, WithRegistrar(i), WithRegistrar(i))
		if err := m.Start(t.Context(), fakeListener{}.Addr()); err != nil {
			t.Errorf("Start() = %v, want nil", err)
		}
		m.Shutdown(t.Context())
	})
}

// Several servers have a health service each.
func TestHealthTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		second := fakeHealth{newRecorder()}
		WithHealth(second)(&r.config)
		r.run(t)
		second.reset()
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		both := slices.DeleteFunc(r.events(), func(e string) bool { return !strings.HasPrefix(e, "health.") && e != "not ready" })
		wantEvents(t, second.recorder, both...)
	})
}

// Who waits for the end inside of a handler waits for themselves.
func TestShutdownFromAHandler(t *testing.T) {
	for policy, drain := range map[Policy]error{Lossless: nil, Strict: ErrFromHandler} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, WithPolicy(policy))
			WithCalls(handlingCalls{r.calls})(&r.config)
			r.config.callsAgain = false
			r.run(t)
			inside := context.WithValue(t.Context(), handled{}, true)
			if err := r.Shutdown(inside); !errors.Is(err, ErrFromHandler) || r.Status().State != Serving {
				t.Errorf("Shutdown() from a handler = %v, state %v; want ErrFromHandler, serving", err, r.Status().State)
			}
			if err := r.Drain(inside); !errors.Is(err, drain) {
				t.Errorf("%v: Drain() from a handler = %v, want %v", policy, err, drain)
			}
			r.terminate()
			<-r.result
		})
	}
}

func TestShutdownFromAnHTTPHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, other := &http.Server{}, &http.Server{}
		m := New(HTTPServer(ours))
		if err := m.Shutdown(context.WithValue(t.Context(), http.ServerContextKey, ours)); !errors.Is(err, ErrFromHandler) {
			t.Errorf("Shutdown() from a handler of its server = %v, want ErrFromHandler", err)
		}
		if err := m.Shutdown(context.WithValue(t.Context(), http.ServerContextKey, other)); err != nil {
			t.Errorf("Shutdown() from a handler of another server = %v, want nil", err)
		}
	})
}

// A refusal is what Register returns when no other try will mend it.
type refusal struct{ inUse bool }

func (refusal) Error() string   { return "no address to publish" }
func (refusal) Permanent() bool { return true }
func (r refusal) InUse() bool   { return r.inUse }

func TestRegisterThatNoOtherTryWillMend(t *testing.T) {
	for _, inUse := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.reg.register = func(context.Context) error { return refusal{inUse} }
			r.run(t)
			err := <-r.result
			if !errors.As(err, new(refusal)) || strings.Count(err.Error(), "no address to publish") != 1 {
				t.Errorf("Run() = %v, want the registrar's error, once", err)
			}
			events := r.events()
			if slices.Contains(events, "nacos.Register") {
				t.Errorf("events = %q, want no second try", events)
			}
			for _, call := range []string{"nacos.Deregister", "nacos.Close"} {
				if slices.Contains(r.all(), call) == inUse {
					t.Errorf("in use: %t, events = %q, want %s only of what is ours", inUse, r.all(), call)
				}
			}
		})
	}
}

// What is wrong with a registration that goes on is said in the error of a time-out, and in Status.
type failingRegistrar struct{ *fakeRegistrar }

func (failingRegistrar) Failure() error { return errBroken }

func TestWhyARegistrationFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.reg.register = hang
		m := New(r.server, WithRegistrar(failingRegistrar{r.reg}), WithRegisterTimeout(3*time.Second))
		started := make(chan error, 1)
		go func() { started <- m.Start(t.Context(), fakeListener{}.Addr()) }()
		time.Sleep(time.Second)
		if got := m.Status().Registrars[0]; got.Error != errBroken.Error() || got.State != Registering {
			t.Errorf("Status().Registrars[0] = %+v, want registering, and why it fails", got)
		}
		if err := <-started; !errors.Is(err, errBroken) || !errors.Is(err, errRegisterTimeout) {
			t.Errorf("Start() = %v, want the time-out, and why", err)
		}
		m.Shutdown(t.Context())
	})
}

// What nobody can know of does not settle.
type secretRegistrar struct {
	*fakeRegistrar
	published string
}

func (r secretRegistrar) Published() string { return r.published }

func TestWhatWasNeverPublishedDoesNotSettle(t *testing.T) {
	for _, published := range []string{"", "10.0.0.7:9090"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.reg.register = func(context.Context) error { return net.ErrClosed }
			r.Manager = New(r.server, WithCalls(r.calls), WithRegistrar(secretRegistrar{r.reg, published}))
			r.run(t)
			r.terminate()
			if err := <-r.result; err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
			want := r.reg.delay + DefaultQuiet
			if published != "" {
				want += r.reg.settle
			}
			if got := r.at(t, "GracefulStop"); (got - want).Abs() > 100*time.Millisecond {
				t.Errorf("published %q: GracefulStop after %v, want %v", published, got, want)
			}
		})
	}
}
