// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
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
			"calls.Drain", "health.Drain",
			"nacos.Deregister", "nacos absent",
			"not ready", "GracefulStop",
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
			"calls.Drain", "health.CloseTraffic",
			"nacos.Deregister", "nacos absent",
			"calls.Refuse", "health.Shutdown", "not ready",
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
				withdrawn := r.at(t, "nacos absent")
				if policy == Lossless {
					withdrawn += r.reg.settle
				}
				if told, next := r.at(t, "calls.TellStreams"), r.at(t, before); told < withdrawn || told > next {
					t.Errorf("streams told at %v, want it between withdrawn and settled at %v and %s at %v", told, withdrawn, before, next)
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
				if got := r.at(t, "calls.Refuse"); got < withdrawLimit || got > withdrawLimit+time.Second/5 {
					t.Errorf("Refuse after %v, want %v", got, withdrawLimit)
				}
			})
		})
	}
}

func TestPhasesHaveNamesOfTheirOwn(t *testing.T) {
	for _, policy := range []Policy{Lossless, Strict} {
		m := New(&fakeServer{}, WithPolicy(policy), WithStreamNotice(AtWithdrawn))
		seen := map[phaseName]bool{}
		for _, p := range m.phases(&offline{kind: kindShutdown}) {
			if seen[p.name] {
				t.Errorf("%v: two phases are named %q", policy, p.name)
			}
			seen[p.name] = true
		}
		stays := m.phases(&offline{kind: kindDrain})
		if last := stays[len(stays)-1].name; last != "proof" {
			t.Errorf("%v: a drain that stays ends with %q, want proof", policy, last)
		}
	}
}
