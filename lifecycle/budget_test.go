// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// A stuckServer returns from nothing until it is released.
type stuckServer struct{ released chan struct{} }

func (s stuckServer) Serve(net.Listener) error { <-s.released; return nil }
func (s stuckServer) GracefulStop()            { <-s.released }
func (s stuckServer) Stop()                    { <-s.released }

// TestRunReturnsWithinAnyBudget lets everything hang that can, under traffic that never ends.
func TestRunReturnsWithinAnyBudget(t *testing.T) {
	for _, budget := range []time.Duration{0, 100 * time.Millisecond, time.Second, 3 * time.Second, 5 * time.Second, 8 * time.Second, DefaultBudget} {
		t.Run(budget.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				released := make(chan struct{})
				wait := func(context.Context) error { <-released; return nil }
				r := newRig(t, WithBudget(budget), WithSettle(budget/2), WithOnStop(wait), WithOnState(func(s State) {
					if s == Stopped {
						<-released
					}
				}), WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(stuckExporter{released}))))
				r.reg.deregister = wait
				r.reg.close = func() error { <-released; return nil }
				r.Manager.server = stuckServer{released}
				r.run(t)
				r.calls.set(1, 1)
				go func() {
					for r.Status().State < Stopped {
						r.calls.admit(1)
						time.Sleep(10 * time.Millisecond)
					}
				}()
				r.terminate()
				if err := <-r.result; !errors.Is(err, ErrForcedStop) {
					t.Errorf("Run() = %v, want ErrForcedStop", err)
				}
				if took := time.Since(r.began); took > budget+time.Second {
					t.Errorf("Run took %v, want at most %v", took, budget+time.Second)
				}
				abandoned := strings.Join(r.Report().Abandoned, ", ")
				for _, what := range []string{
					"Stop of server 1", "GracefulStop of a server", "OnStop hook 2", "Deregister of nacos", "Close of nacos",
					"OnState", "Serve", "OpenTelemetry",
				} {
					if !strings.Contains(abandoned, what) {
						t.Errorf("Report.Abandoned = %s, want %s among them", abandoned, what)
					}
				}
				close(released)
			})
		})
	}
}

func TestSmallBudgetsSpreadStreamsToo(t *testing.T) {
	for _, budget := range []time.Duration{3 * time.Second, 5 * time.Second, 6 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, WithBudget(budget), WithSettle(0))
			r.reg.delay = 10 * time.Millisecond
			r.run(t)
			r.calls.set(0, 20)
			r.terminate()
			if err := <-r.result; err != nil {
				t.Errorf("budget %v: Run() = %v, want nil", budget, err)
			}
			if ended := r.calls.ended; len(ended) != 20 || ended[19]-ended[0] < budget/25 {
				t.Errorf("budget %v: streams ended at %v, want 20 of them spread out", budget, ended)
			}
		})
	}
}

// GracefulStop needs time too.
func TestSettleIsCutShortByTheDeadlineOfShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.calls.set(1, 0)
		go func() {
			time.Sleep(2700 * time.Millisecond)
			r.calls.set(0, 0)
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // settle is 3 s
		defer cancel()
		err := r.Shutdown(ctx)
		if err == nil || errors.Is(err, ErrForcedStop) || !strings.Contains(err.Error(), "settle of 3s was cut short") {
			t.Errorf("Shutdown() = %v, want that settle was cut short, and nothing forced", err)
		}
		if at := r.at(t, "GracefulStop"); at > 2600*time.Millisecond {
			t.Errorf("GracefulStop after %v, want half the time and quiet", at)
		}
		<-r.result
	})
}

// Without any call it is quiet, however short the look.
func TestQuietOfASmallBudget(t *testing.T) {
	for _, opts := range [][]Option{{WithBudget(2 * time.Second), WithSettle(0)}, {WithQuiet(time.Minute)}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, opts...)
			r.reg.delay = 10 * time.Millisecond
			r.run(t)
			r.terminate()
			if err := <-r.result; err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
			for _, p := range r.Report().Phases {
				if p.Error != "" {
					t.Errorf("phase %s: %s, want no error without traffic", p.Name, p.Error)
				}
			}
		})
	}
}

// A server that stops at once has not hung, though there is no time at all.
func TestZeroBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.calls.set(1, 0)
		ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
		defer cancel()
		if err := r.Shutdown(ctx); !errors.Is(err, ErrForcedStop) {
			t.Errorf("Shutdown() = %v, want ErrForcedStop", err)
		}
		<-r.result
		if report := r.Report(); len(report.Abandoned) > 0 || report.CallsCut != 1 {
			t.Errorf("Report: abandoned %q, %d calls cut; want none and 1", report.Abandoned, report.CallsCut)
		}
	})
}

// Only Lossless settles.
func TestBudgetTooSmallToSettle(t *testing.T) {
	for _, policy := range []Policy{Lossless, Strict} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, WithPolicy(policy), WithBudget(5*time.Second)) // the registrar's settle is 3 s
			r.run(t)
			r.terminate()
			err := <-r.result
			const want = "settle of 3s (not given: the default) is more than the 2.5s that a budget of 5s leaves for it"
			if refused := err != nil && strings.Contains(err.Error(), want); refused != (policy == Lossless) {
				t.Errorf("%v: Run() = %v, want %q for Lossless only", policy, err, want)
			}
		})
	}
}
