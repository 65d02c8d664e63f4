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

func TestLosslessOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		wantEvents(t, r.recorder,
			"calls.Drain", "health.Shutdown",
			"nacos.Deregister", "nacos absent",
			"GracefulStop",
			"health.EndWatches", "calls.TellStreams",
			"hook", "nacos.Close")
		// 600 ms to confirm, 3 s settle, 500 ms quiet.
		if got, want := r.at(t, "GracefulStop"), 4100*time.Millisecond; got < want || got > want+100*time.Millisecond {
			t.Errorf("GracefulStop after %v, want %v: settle and quiet after the confirmation", got, want)
		}
		if got := r.Status().State; got != Stopped {
			t.Errorf("State = %v, want stopped", got)
		}
	})
}

func TestStrictOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithPolicy(Strict))
		r.run(t)
		r.calls.set(1, 0)
		go func() {
			time.Sleep(2 * time.Second)
			r.add("call ends")
			r.calls.set(0, 0)
		}()
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		wantEvents(t, r.recorder,
			"calls.Drain",
			"nacos.Deregister", "nacos absent",
			"calls.Refuse", "health.Shutdown",
			"call ends",
			"GracefulStop",
			"health.EndWatches", "calls.TellStreams",
			"hook", "nacos.Close")
		if flag, absent := r.at(t, "calls.Refuse"), r.at(t, "nacos absent"); flag != absent {
			t.Errorf("shutdown flag at %v, want the moment of the registry's callback, %v", flag, absent)
		}
		if got, want := r.at(t, "GracefulStop"), 2*time.Second; got < want || got > want+10*time.Millisecond {
			t.Errorf("GracefulStop after %v, want %v: as soon as nothing is in flight", got, want)
		}
	})
}

func TestStreamsToldWhenWithdrawn(t *testing.T) {
	for policy, before := range map[Policy]string{Lossless: "GracefulStop", Strict: "stream ends"} {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, WithPolicy(policy), WithStreamNotice(AtWithdrawn))
				r.run(t)
				r.calls.set(0, 1)
				go func() {
					for r.calls.told() == 0 {
						time.Sleep(10 * time.Millisecond)
					}
					time.Sleep(time.Second)
					r.add("stream ends")
					r.calls.set(0, 0)
				}()
				r.terminate()
				if err := <-r.result; err != nil {
					t.Errorf("Run() = %v, want nil", err)
				}
				if told, absent, next := r.at(t, "calls.TellStreams"), r.at(t, "nacos absent"), r.at(t, before); told < absent || told > next {
					t.Errorf("streams told at %v, want it between the confirmation at %v and %s at %v", told, absent, before, next)
				}
				if got := time.Since(r.began); got > 6*time.Second {
					t.Errorf("Run took %v, want no wait for a stream that ended when it was told", got)
				}
			})
		})
	}
}

func TestStrictUnconfirmedRefusesWhenWithdrawsShareEnds(t *testing.T) {
	for name, opts := range map[string][]Option{"no registrar": nil, "registrar hangs": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, append(opts, WithPolicy(Strict))...)
				if opts == nil {
					r.Manager = New(r.server, WithCalls(r.calls), WithHealth(r.health), WithPolicy(Strict))
				} else {
					r.reg.deregister = hang
				}
				r.run(t)
				r.terminate()
				<-r.result
				if got := r.at(t, "calls.Refuse"); got < WithdrawLimit || got > WithdrawLimit+time.Second/5 {
					t.Errorf("Refuse after %v, want %v", got, WithdrawLimit)
				}
			})
		})
	}
}

// hang honours its context and nothing else.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// TestEveryStepFailsOrHangs has a row for each step that can go wrong: the offline goes on, ends inside the budget and
// one second, and says what happened.
func TestEveryStepFailsOrHangs(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name      string
		prepare   func(r *rig, released <-chan struct{}) []Option
		wantIs    error
		wantText  string
		abandoned string
		graceful  time.Duration // when GracefulStop begins; 0: not checked
		atMost    time.Duration
	}{
		{name: "nothing", prepare: nil, graceful: 4100 * time.Millisecond, atMost: 5 * time.Second},
		{name: "Deregister fails", wantIs: broken, graceful: DefaultBudget / 2, atMost: 14 * time.Second,
			prepare: func(r *rig, _ <-chan struct{}) []Option {
				r.reg.deregister = func(context.Context) error { return broken }
				return nil
			}},
		{name: "Deregister hangs", wantIs: errWithdrawLimit, graceful: DefaultBudget / 2, atMost: 14 * time.Second,
			prepare: func(r *rig, _ <-chan struct{}) []Option { r.reg.deregister = hang; return nil }},
		{name: "Deregister ignores its context", wantText: "Deregister has not returned", abandoned: "Deregister of nacos", graceful: DefaultBudget / 2, atMost: 14 * time.Second,
			prepare: func(r *rig, released <-chan struct{}) []Option {
				r.reg.deregister = func(context.Context) error { <-released; return nil }
				return nil
			}},
		{name: "GracefulStop and Stop hang", wantIs: ErrForcedStop, abandoned: "Stop of a server", atMost: DefaultBudget + time.Second,
			prepare: func(r *rig, released <-chan struct{}) []Option {
				c := make(chan struct{})
				go func() { <-released; close(c) }()
				r.server.hang = c
				return nil
			}},
		{name: "a call never ends", wantIs: ErrForcedStop, wantText: "1 calls and 0 streams cut", atMost: DefaultBudget,
			prepare: func(r *rig, _ <-chan struct{}) []Option { r.calls.set(1, 0); return nil }},
		{name: "a call never ends and is answered", wantIs: ErrForcedStop, wantText: "1 calls answered", atMost: DefaultBudget,
			prepare: func(r *rig, _ <-chan struct{}) []Option {
				r.calls.set(1, 0)
				r.calls.answerable = 1
				return nil
			}},
		{name: "streams never end", wantIs: ErrForcedStop, wantText: "0 calls and 3 streams cut", atMost: DefaultBudget,
			prepare: func(r *rig, _ <-chan struct{}) []Option {
				r.calls.set(0, 3)
				r.calls.deaf = true
				return nil
			}},
		{name: "a hook fails", wantIs: broken, atMost: 5 * time.Second,
			prepare: func(r *rig, _ <-chan struct{}) []Option {
				return []Option{WithOnStop(func(context.Context) error { return broken })}
			}},
		{name: "a hook hangs", wantIs: errHookLimit, abandoned: "OnStop hook 2", atMost: 7 * time.Second,
			prepare: func(r *rig, released <-chan struct{}) []Option {
				return []Option{WithOnStop(func(context.Context) error { <-released; return nil })}
			}},
		{name: "Close fails", wantIs: broken, atMost: 5 * time.Second,
			prepare: func(r *rig, _ <-chan struct{}) []Option {
				r.reg.close = func() error { return broken }
				return nil
			}},
		{name: "Close hangs", wantText: "has not returned", abandoned: "Close of nacos", atMost: 6 * time.Second,
			prepare: func(r *rig, released <-chan struct{}) []Option {
				r.reg.close = func() error { <-released; return nil }
				return nil
			}},
		{name: "Deregister ignores its context and Close hangs", wantText: "has not returned", abandoned: "Deregister of nacos, Close of nacos", atMost: 14 * time.Second,
			prepare: func(r *rig, released <-chan struct{}) []Option {
				r.reg.deregister = func(context.Context) error { <-released; return nil }
				r.reg.close = func() error { <-released; return nil }
				return nil
			}},
		{name: "a registrar without a name, without Close and Settle", graceful: 6100 * time.Millisecond, atMost: 7 * time.Second,
			prepare: func(r *rig, _ <-chan struct{}) []Option {
				plain := struct{ Registrar }{r.reg}
				r.Manager = New(r.server, WithCalls(r.calls), WithRegistrar(plain))
				return nil
			}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
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
				if got := strings.Join(report.Abandoned, ", "); test.abandoned == "" && got != "" || !strings.Contains(got, test.abandoned) {
					t.Errorf("Report.Abandoned = %q, want %q", got, test.abandoned)
				}
				if test.graceful > 0 {
					if got := r.at(t, "GracefulStop"); got < test.graceful || got > test.graceful+100*time.Millisecond {
						t.Errorf("GracefulStop after %v, want %v", got, test.graceful)
					}
				}
				if r.Status().State != Stopped {
					t.Errorf("State = %v, want stopped", r.Status().State)
				}
			})
		})
	}
}

func TestSteadyTrafficEndsAtTheQuietLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		done := make(chan struct{})
		go func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(100 * time.Millisecond):
					r.calls.admit(1)
				}
			}
		}()
		r.terminate()
		err := <-r.result
		close(done)
		if err != nil {
			t.Errorf("Run() = %v, want nil: GOAWAY moves whoever still calls", err)
		}
		if got, want := r.at(t, "GracefulStop"), 3600*time.Millisecond+QuietLimit; got < want-100*time.Millisecond || got > want+100*time.Millisecond {
			t.Errorf("GracefulStop after %v, want %v", got, want)
		}
	})
}

func TestCallInFlightIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.calls.set(1, 0)
		r.terminate()
		go func() {
			time.Sleep(15 * time.Second)
			r.add("call ends")
			r.calls.set(0, 0)
		}()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if end, hook := r.at(t, "call ends"), r.at(t, "hook"); hook < end {
			t.Errorf("hook at %v, want it after the end of the call at %v", hook, end)
		}
	})
}

func TestStreamsAreEndedSpreadOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.calls.set(0, 100)
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		told := r.at(t, "calls.TellStreams")
		first, last := r.calls.ended[0], r.calls.ended[99]
		if got := first - told; got != DefaultStreamGrace {
			t.Errorf("first stream ended %v after it was told, want %v", got, DefaultStreamGrace)
		}
		if got := last - first; got < StreamSpread*9/10 || got > StreamSpread {
			t.Errorf("streams ended within %v, want about %v", got, StreamSpread)
		}
		if got := r.Report().StreamsEnded; got != 100 {
			t.Errorf("Report.StreamsEnded = %d, want 100", got)
		}
	})
}

func TestQuietStartsAgainAfterALateLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		looks := 0
		stall := func() uint64 {
			looks++
			if looks == 5 {
				time.Sleep(400 * time.Millisecond) // the machine stands still
			}
			return 7
		}
		if !awaitQuiet(t.Context(), 500*time.Millisecond, began.Add(time.Minute), stall) {
			t.Fatal("awaitQuiet() = false, want true")
		}
		if got := time.Since(began); got < 1050*time.Millisecond {
			t.Errorf("quiet after %v, want the window to start again after the stall", got)
		}
	})
}

func TestSecondSignalForces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		signals := make(chan osSignal, 2)
		r.Manager.signalled = signals
		r.run(t)
		r.calls.set(2, 1)
		signals <- fakeSignal{}
		time.Sleep(time.Second)
		signals <- fakeSignal{}
		err := <-r.result
		if !errors.Is(err, ErrForcedStop) || !strings.Contains(err.Error(), "2 unary calls and 1 streams in flight") {
			t.Errorf("Run() = %v, want ErrForcedStop with what was in flight", err)
		}
		if got := time.Since(r.began); got > 3*time.Second {
			t.Errorf("Run took %v, want about 1.5 s", got)
		}
		wantEvents(t, r.recorder,
			"calls.Drain", "health.Shutdown",
			"nacos.Deregister", "nacos absent",
			"GracefulStop", "health.EndWatches", "calls.TellStreams",
			"calls.Refuse", "calls.AnswerCalls", "Stop",
			"hook", "nacos.Close")
		if got := r.Report().Outcome; got != OutcomeForced {
			t.Errorf("Outcome = %q, want forced", got)
		}
	})
}

func TestShutdownDeadlineShortensTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.calls.set(1, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err := r.Shutdown(ctx)
		if !errors.Is(err, ErrForcedStop) {
			t.Errorf("Shutdown() = %v, want ErrForcedStop", err)
		}
		if got := time.Since(r.began); got > 6*time.Second {
			t.Errorf("Shutdown took %v, want at most 6 s", got)
		}
		if err := <-r.result; !errors.Is(err, ErrForcedStop) {
			t.Errorf("Run() = %v, want what Shutdown returned", err)
		}
	})
}
