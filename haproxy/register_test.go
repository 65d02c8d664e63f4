// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRegisterWaitsUntilUp: also where "ready" does not help, and says why.
func TestRegisterWaitsUntilUp(t *testing.T) {
	for name, test := range map[string]struct {
		as   func(*server)
		want string
	}{
		"down":                       {func(s *server) { s.op = down }, "its check does not succeed"},
		"down, with an agent":        {func(s *server) { s.op, s.agent = down, 22 }, "agent-check"},
		"answers 404":                {func(s *server) { s.op = stopping }, "404"},
		"tracks one in maintenance":  {func(s *server) { s.op, s.admin = down, inheritedMaint }, "in maintenance because of the server that it tracks"},
		"tracks one that is drained": {func(s *server) { s.admin = inheritedDrain }, "drained because of the server that it tracks"},
		"DNS does not know it":       {func(s *server) { s.op, s.admin, s.host = down, resolvingMaint, "-" }, "DNS"},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, 2, func(t *testing.T, r *rig) {
				before := r.fakes[1].s1()
				r.fakes[1].change(test.as)
				registered := make(chan error, 1)
				go func() { registered <- r.Register(t.Context(), s1Addr) }()
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if err := r.Failure(); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "unix:2") {
					t.Errorf("Failure() = %v, want %q of unix:2", err, test.want)
				}
				select {
				case err := <-registered:
					t.Fatalf("Register() = %v before the server is up", err)
				default:
				}
				r.fakes[1].change(func(s *server) { *s = before })
				if err := <-registered; err != nil {
					t.Errorf("Register() = %v, want nil", err)
				}
				if err := r.Failure(); err != nil {
					t.Errorf("after Register Failure() = %v, want nil", err)
				}
			})
		})
	}
}

func TestRegisterEndsWithItsContext(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.fakes[0].change(func(s *server) { s.op = down })
		cause := errors.New("over")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, cause)
		defer cancel()
		if err := r.Register(ctx, s1Addr); !errors.Is(err, cause) || !strings.Contains(err.Error(), "grpc/s1 is down") {
			t.Errorf("Register() = %v, want %v, and what was waited for", err, cause)
		}
		r.fakes[0].fail(silent, "")
		if err := r.Register(ctx, s1Addr); !errors.Is(err, cause) {
			t.Errorf("Register() = %v, want %v", err, cause)
		}
	})
}

func TestRegisterFails(t *testing.T) {
	for name, test := range map[string]struct {
		spoil     func(*fake)
		want      string
		permanent bool
	}{
		"nobody listens":        {func(f *fake) { f.fault = refusing }, "connection refused", false},
		"silent":                {func(f *fake) { f.fault = silent }, "no reply in time", false},
		"half a reply":          {func(f *fake) { f.fault, f.reply = scripted, realTable[:200] }, "ends early", false},
		"no rights":             {func(f *fake) { f.words["s1"] = "Permission denied" }, "level admin", true},
		"unknown backend":       {func(f *fake) { f.fault, f.reply = scripted, "Can't find backend.\n\n" }, "Can't find backend", false},
		"unknown server":        {func(f *fake) { f.servers = f.servers[1:] }, "no server grpc/s1", false},
		"its rows are no table": {func(f *fake) { f.fault, f.reply = scripted, "1\n# be_id be_name\n3 grpc\n\n" }, "srv_port", false},
		"goes in between":       {func(f *fake) { f.changed = func(s *server) { s.name = "s9" } }, "another server", false},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, 2, func(t *testing.T, r *rig) {
				r.fakes[1].mu.Lock()
				test.spoil(r.fakes[1])
				r.fakes[1].mu.Unlock()
				err := r.Register(t.Context(), s1Addr)
				if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "unix:2") {
					t.Errorf("Register() = %v, want %q of unix:2", err, test.want)
				}
				if _, permanent := errors.AsType[permanentError](err); permanent != test.permanent {
					t.Errorf("Register() = %v, Permanent() = %v, want %v", err, permanent, test.permanent)
				}
			})
		})
	}
}

func TestFoundDrainIsUndone(t *testing.T) {
	within(t, 2, func(t *testing.T, r *rig) {
		r.fakes[1].operate(stateDrain)
		r.mustRegister()
		r.wantAdmin(0, "after Register")
		r.wantLog("found drained", 1)
		r.mustDeregister()
		r.mustRegister()
		r.wantAdmin(0, "after Deregister and Register")
		r.wantLog("found drained", 1)
		r.wantLog("ends our drain", 2)
	})
}

// TestDrainThatComesLate: HAProxy stood still, and carries out what it was asked before, after what it was asked since.
func TestDrainThatComesLate(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.mustRegister()
		f := r.fakes[0]
		f.fail(late, "")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		frozen := server{name: "s1"}
		if _, err := r.set(ctx, r.balancers[0], frozen, stateDrain); err == nil {
			t.Fatal("a set without an answer has no error")
		}
		f.fail("", "")
		r.mustRegister()
		watch := r.watch(0)
		time.Sleep(10 * time.Second)
		r.wantAdmin(0, "after Register and a drain that came late")
		r.wantLog("has come late", 1)
		if told := watch.all(); len(told) != 1 || !told[0] {
			t.Errorf("Watch has told %v, want online alone", told)
		}
		f.operate(stateDrain)
		time.Sleep(3 * time.Second)
		r.wantAdmin(forcedDrain, "after an operator's drain")
	})
}

// TestDrainThatNeverComes: HAProxy was restarted, and what it had not read has gone. A drain that comes later is an
// operator's.
func TestDrainThatNeverComes(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.mustRegister()
		f := r.fakes[0]
		f.fail(silent, "")
		if err := r.Deregister(t.Context()); err == nil {
			t.Fatal("Deregister() = nil without an answer")
		}
		f.fail("", "")
		r.balancers[0].doubted = true // as if the look had been answered, and the drain not
		r.mustRegister()
		watch := r.watch(0)
		time.Sleep(lateMost + lookTwice)
		f.operate(stateDrain)
		time.Sleep(lookTwice)
		r.wantAdmin(forcedDrain, "after an operator's drain")
		wantTold(t, watch, []bool{true, false}, "after an operator's drain")
	})
}

func TestPublished(t *testing.T) {
	within(t, 2, func(t *testing.T, r *rig) {
		if p := r.Published(); p != "" {
			t.Errorf("before Register Published() = %q, want nothing", p)
		}
		r.fakes[1].change(func(s *server) { s.weight = 0 })
		r.mustRegister()
		if got, want := r.Published(), "grpc/s1 weight=1 at unix:1, grpc/s1 weight=0 at unix:2"; got != want {
			t.Errorf("Published() = %q, want %q", got, want)
		}
		if got, want := r.String(), "haproxy grpc/s1"; got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
		if r.Settle() != 0 {
			t.Errorf("Settle() = %v, want 0", r.Settle())
		}
	})
	within(t, 1, func(t *testing.T, r *rig) {
		r.fakes[0].fail(refusing, "")
		_ = r.Register(t.Context(), s1Addr)
		if got, want := r.Published(), "grpc/10.0.0.1:9001 at unix:1 (not seen)"; got != want {
			t.Errorf("Published() = %q, want %q", got, want)
		}
		if got, want := r.String(), "haproxy grpc"; got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}, byAddress)
}
