// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestRegistryDownAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		down := errors.New("registry is down")
		r.reg.register = func(context.Context) error {
			if time.Since(r.began) < 30*time.Second {
				return down
			}
			return nil
		}
		go func() { r.result <- r.Run(t.Context(), fakeListener{}) }()
		time.Sleep(20 * time.Second)
		if s := r.Status(); s.State != Serving || s.Ready {
			t.Errorf("Status() = %+v, want serving and not ready", s)
		}
		time.Sleep(time.Minute)
		if s := r.Status(); !s.Ready {
			t.Errorf("Status() = %+v, want ready", s)
		}
		r.Shutdown(t.Context())
		<-r.result
	})
}

func TestRegisterTimeoutIsAnErrorOfRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithRegisterTimeout(10*time.Second))
		r.reg.register = hang
		err := r.Run(t.Context(), fakeListener{})
		if !errors.Is(err, errRegisterTimeout) {
			t.Errorf("Run() = %v, want the register timeout", err)
		}
		if got := r.events(); !slices.Contains(got, "nacos.Deregister") {
			t.Errorf("events = %q, want a Deregister: nothing is half registered", got)
		}
	})
}

func TestShutdownWhileRegistering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.reg.register = hang
		r.run(t)
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}

func TestMisuse(t *testing.T) {
	run := func(opts ...Option) func(r *rig) error {
		return func(r *rig) error { return New(r.server, opts...).Run(context.Background(), fakeListener{}) }
	}
	tests := []struct {
		name string
		do   func(r *rig) error
		want string
	}{
		{"nil server", func(r *rig) error { return New(nil).Run(context.Background(), fakeListener{}) }, "lifecycle: New: the server is nil"},
		{"no listener", func(r *rig) error { return r.Run(context.Background()) }, "lifecycle: run: server 1 has no listener"},
		{"nil listener", func(r *rig) error { return r.Run(context.Background(), net.Listener(nil)) }, "lifecycle: run: listener 1 of server 1 is nil"},
		{"settle over half the budget", run(WithBudget(5*time.Second), WithSettle(3*time.Second)), "lifecycle: WithSettle: settle of 3s is more than the 2.5s that a budget of 5s leaves for it; raise WithBudget or lower WithSettle"},
		{"unknown policy", run(WithPolicy(7)), "lifecycle: WithPolicy: Policy(7) is neither Lossless nor Strict"},
		{"unknown notice", run(WithStreamNotice(7)), "lifecycle: WithStreamNotice: Notice(7) is neither AtGoAway nor AtWithdrawn"},
		{"unknown health notice", run(WithHealthNotice(AtWithdrawn)), "lifecycle: WithHealthNotice: at withdrawn is none of AtGoAway, AtSettled and AtTrigger"},
		{"no time for a successor", run(WithSettle(13*time.Second), WithSuccessor(time.Second)), "lifecycle: WithSuccessor: settle of 13s and a budget of 25s leave no time for it; raise WithBudget or lower WithSettle"},
		{"unknown way of an operator's offline", run(WithRegistryOffline(7)), "lifecycle: WithRegistryOffline: 7 is neither Park nor Exit"},
		{"nil HTTP server", func(r *rig) error { return New(HTTPServer(nil)).Run(context.Background(), fakeListener{}) }, "lifecycle: New: the server is nil"},
		{"Start with a settle over half the budget", func(r *rig) error {
			return New(r.server, WithBudget(5*time.Second), WithSettle(3*time.Second)).Start(context.Background(), nil)
		}, "lifecycle: WithSettle: settle of 3s is more than the 2.5s that a budget of 5s leaves for it; raise WithBudget or lower WithSettle"},
		{"further server without listener", func(r *rig) error {
			return New(r.server, WithServer(r.server)).Run(context.Background(), fakeListener{})
		}, "lifecycle: run: server 2 has no listener"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			if err := test.do(r); err == nil || err.Error() != test.want {
				t.Errorf("Run() = %v, want %q", err, test.want)
			}
			wantEvents(t, r.recorder)
		})
	}
}

func TestRunTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, WithCalls(nil), WithHealth(nil), WithRegistrar(nil), WithLogger(nil), WithOnState(nil), WithOnStop(nil), WithServer(nil), WithMeterProvider(nil), WithTracerProvider(nil))
		r.run(t)
		if err := r.Run(t.Context(), fakeListener{}); err == nil {
			t.Error("second Run() = nil, want an error")
		}
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if err := r.Run(t.Context(), fakeListener{}); !errors.Is(err, ErrStopping) {
			t.Errorf("Run() after the end = %v, want ErrStopping", err)
		}
		if err := r.Resume(t.Context()); !errors.Is(err, ErrStopping) {
			t.Errorf("Resume() after the end = %v, want ErrStopping", err)
		}
		if err := r.Drain(t.Context()); !errors.Is(err, ErrStopping) {
			t.Errorf("Drain() after the end = %v, want ErrStopping", err)
		}
	})
}

func TestShutdownBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown() = %v, want nil", err)
		}
		if err := r.Run(t.Context(), fakeListener{}); !errors.Is(err, ErrStopping) {
			t.Errorf("Run() = %v, want ErrStopping", err)
		}
		if got := r.events(); !slices.Contains(got, "GracefulStop") || slices.Contains(got, "nacos.Deregister") {
			t.Errorf("events = %q, want the server stopped and no Deregister of what was never registered", got)
		}
	})
}

func TestRunWithAContextThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Run(ctx, fakeListener{}); err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if s := r.Status(); s.State != Stopped || r.Report().Outcome != OutcomeStopped {
			t.Errorf("State = %v, outcome %q; want stopped", s.State, r.Report().Outcome)
		}
		events := r.events()
		for _, want := range []string{"GracefulStop", "hook", "nacos.Close"} {
			if !slices.Contains(events, want) {
				t.Errorf("events = %q, want %s among them", events, want)
			}
		}
		if lastOf(events, "nacos.Register") > lastOf(events, "nacos.Deregister") {
			t.Errorf("events = %q, want what was registered withdrawn", events)
		}
	})
}

func TestOnStateHearsEveryStateInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []State
		r := newRig(t, WithOnState(func(s State) {
			time.Sleep(time.Second) // slow, and holds nothing up
			heard = append(heard, s)
		}))
		r.run(t)
		if err := r.Drain(t.Context()); err != nil {
			t.Fatalf("Drain() = %v, want nil", err)
		}
		r.Resume(t.Context())
		r.terminate()
		<-r.result
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []State{Serving, Draining, Serving, Draining, Stopping, Stopped}; !slices.Equal(heard, want) {
			t.Errorf("states = %v, want %v", heard, want)
		}
	})
}

// slowHealth takes its time: whoever is asked before it is through is asked too early.
type slowHealth struct{ fakeHealth }

func (h slowHealth) Resume() {
	time.Sleep(time.Millisecond)
	h.fakeHealth.Resume()
}

// An instance is asked to be listed once it says that it serves.
func TestServingBeforeRegistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.Manager = New(r.server, WithCalls(r.calls), WithHealth(slowHealth{r.health}), WithRegistrar(r.reg))
		if err := r.Start(t.Context(), fakeListener{}.Addr()); err != nil {
			t.Fatal(err)
		}
		wantEvents(t, r.recorder, "calls.Resume", "health.Resume", "nacos.Register", "nacos listed", "ready")
		if err := r.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown() = %v, want nil", err)
		}
	})
}
