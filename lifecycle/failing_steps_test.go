// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// hang honours its context and nothing else.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

var errBroken = errors.New("broken")

type failingStep struct {
	name      string
	prepare   func(r *rig, released <-chan struct{}) []Option
	wantIs    error
	wantText  string
	abandoned string        // all of them
	cut       int           // streams
	graceful  time.Duration // when GracefulStop begins; 0: not checked
	atMost    time.Duration
}

// failingSteps has a row for each step that can go wrong.
var failingSteps = []failingStep{
	{name: "nothing", prepare: nil, graceful: 4100 * time.Millisecond, atMost: 5 * time.Second},
	{
		name: "Deregister fails", wantIs: errBroken, graceful: DefaultBudget / 2, atMost: 14 * time.Second,
		prepare: func(r *rig, _ <-chan struct{}) []Option {
			r.reg.deregister = func(context.Context) error { return errBroken }
			return nil
		},
	},
	{
		name: "Deregister hangs", wantIs: errWithdrawLimit, graceful: DefaultBudget / 2, atMost: 14 * time.Second,
		prepare: func(r *rig, _ <-chan struct{}) []Option { r.reg.deregister = hang; return nil },
	},
	{
		name: "Deregister ignores its context", wantText: "Deregister has not returned", abandoned: "Deregister of nacos", graceful: DefaultBudget / 2, atMost: 14 * time.Second,
		prepare: func(r *rig, released <-chan struct{}) []Option {
			r.reg.deregister = func(context.Context) error { <-released; return nil }
			return nil
		},
	},
	{
		name: "Register ignores its context", wantText: "Register has not returned", abandoned: "Register of nacos", graceful: DefaultBudget / 2, atMost: 14 * time.Second,
		prepare: func(r *rig, released <-chan struct{}) []Option {
			r.reg.register = func(context.Context) error { <-released; return nil }
			return nil
		},
	},
	{
		name: "GracefulStop and Stop hang", wantIs: ErrForcedStop, abandoned: "Stop of server 1, GracefulStop of a server, Serve", atMost: DefaultBudget + time.Second,
		prepare: func(r *rig, released <-chan struct{}) []Option {
			c := make(chan struct{})
			go func() { <-released; close(c) }()
			r.server.hang = c
			return nil
		},
	},
	{
		name: "a call never ends", wantIs: ErrForcedStop, wantText: "1 calls and 0 streams cut", atMost: DefaultBudget,
		prepare: func(r *rig, _ <-chan struct{}) []Option { r.calls.set(1, 0); return nil },
	},
	{
		name: "a call never ends and is answered", wantIs: ErrForcedStop, wantText: "1 calls answered", atMost: DefaultBudget,
		prepare: func(r *rig, _ <-chan struct{}) []Option {
			r.calls.set(1, 0)
			r.calls.answerable = 1
			return nil
		},
	},
	{
		name: "streams never end", wantIs: ErrForcedStop, wantText: "0 calls and 3 streams cut", cut: 3, atMost: DefaultBudget,
		prepare: func(r *rig, _ <-chan struct{}) []Option {
			r.calls.set(0, 3)
			r.calls.deaf = true
			return nil
		},
	},
	{
		name: "a hook fails", wantIs: errBroken, atMost: 5 * time.Second,
		prepare: func(r *rig, _ <-chan struct{}) []Option {
			return []Option{WithOnStop(func(context.Context) error { return errBroken })}
		},
	},
	{
		name: "a hook hangs", wantIs: errHookLimit, abandoned: "OnStop hook 2", atMost: 15 * time.Second,
		prepare: func(r *rig, released <-chan struct{}) []Option {
			return []Option{WithOnStop(func(context.Context) error { <-released; return nil })}
		},
	},
	{
		name: "Close fails", wantIs: errBroken, atMost: 5 * time.Second,
		prepare: func(r *rig, _ <-chan struct{}) []Option {
			r.reg.close = func() error { return errBroken }
			return nil
		},
	},
	{
		name: "Close hangs", wantText: "has not returned", abandoned: "Close of nacos", atMost: 6 * time.Second,
		prepare: func(r *rig, released <-chan struct{}) []Option {
			r.reg.close = func() error { <-released; return nil }
			return nil
		},
	},
	{
		name: "Deregister ignores its context and Close hangs", wantText: "has not returned", abandoned: "Deregister of nacos, Close of nacos", atMost: 14 * time.Second,
		prepare: func(r *rig, released <-chan struct{}) []Option {
			r.reg.deregister = func(context.Context) error { <-released; return nil }
			r.reg.close = func() error { <-released; return nil }
			return nil
		},
	},
	{
		name: "a registrar without a name, without Close and Settle", graceful: 6100 * time.Millisecond, atMost: 7 * time.Second,
		prepare: func(r *rig, _ <-chan struct{}) []Option {
			plain := struct{ Registrar }{r.reg}
			r.Manager = New(r.server, WithCalls(r.calls), WithRegistrar(plain))
			return nil
		},
	},
}

// TestEveryStepFailsOrHangs: whatever goes wrong, the offline goes on, ends inside the budget and one second, and says
// what happened.
func TestEveryStepFailsOrHangs(t *testing.T) {
	for _, test := range failingSteps {
		t.Run(test.name, func(t *testing.T) { synctest.Test(t, test.run) })
	}
}

func (test failingStep) run(t *testing.T) {
	released := make(chan struct{})
	defer close(released)
	r := newRig(t)
	if test.prepare != nil {
		for _, o := range test.prepare(r, released) {
			o(&r.config)
		}
	}
	unary, streams := r.calls.InFlight()
	r.run(t)
	r.calls.set(unary, streams)
	r.terminate()
	err := <-r.result
	took := time.Since(r.began)
	if test.wantIs == nil && test.wantText == "" && err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	if test.wantIs != nil && !errors.Is(err, test.wantIs) {
		t.Errorf("Run() = %v, want %v", err, test.wantIs)
	}
	if test.wantText != "" && (err == nil || !strings.Contains(err.Error(), test.wantText)) {
		t.Errorf("Run() = %v, want it to say %q", err, test.wantText)
	}
	if took > test.atMost {
		t.Errorf("Run took %v, want at most %v", took, test.atMost)
	}
	report := r.Report()
	if got := strings.Join(report.Abandoned, ", "); got != test.abandoned {
		t.Errorf("Report.Abandoned = %q, want %q", got, test.abandoned)
	}
	if report.StreamsCut != test.cut {
		t.Errorf("Report.StreamsCut = %d, want %d", report.StreamsCut, test.cut)
	}
	if test.graceful > 0 {
		if got := r.at(t, "GracefulStop"); got < test.graceful || got > test.graceful+100*time.Millisecond {
			t.Errorf("GracefulStop after %v, want %v", got, test.graceful)
		}
	}
	if r.Status().State != Stopped {
		t.Errorf("State = %v, want stopped", r.Status().State)
	}
}
