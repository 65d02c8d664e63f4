// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"strings"
	"testing"
	"time"
)

func TestWithdrawnStaysWithdrawn(t *testing.T) {
	within(t, 2, func(t *testing.T, r *rig) {
		r.mustRegister()
		r.mustDeregister()
		for range 2 {
			r.fakes[1].operate(stateReady) // a reload has forgotten the drain
			if err := r.Gone(t.Context()); err == nil || !strings.Contains(err.Error(), "unix:2") {
				t.Errorf("Gone() = %v, want that unix:2 has it in service", err)
			}
			time.Sleep(1100 * time.Millisecond)
			r.wantAdmin(forcedDrain, "a second after a reload")
			if err := r.Gone(t.Context()); err != nil {
				t.Errorf("Gone() = %v, want nil", err)
			}
		}
		r.wantLog("drained again", 2)
		r.mustRegister()
		time.Sleep(3 * time.Second)
		r.wantAdmin(0, "after Register")
	})
}

func TestUnconfirmedIsConfirmedLater(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.mustRegister()
		r.fakes[0].fail(refusing, "")
		if err := r.Deregister(t.Context()); err == nil {
			t.Error("Deregister() = nil, want an error")
		}
		r.fakes[0].fail("", "")
		time.Sleep(1100 * time.Millisecond)
		r.wantAdmin(forcedDrain, "when it answers again")
		if p := r.Published(); p != "" {
			t.Errorf("Published() = %q, want nothing", p)
		}
		r.wantLog("answers again", 1)
	})
}

// TestMaintenanceIsLeftAlone: "drain" would end it.
func TestMaintenanceIsLeftAlone(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.mustRegister()
		r.fakes[0].operate("maint")
		r.mustDeregister()
		time.Sleep(3 * time.Second)
		r.wantAdmin(forcedMaint, "after Deregister")
		r.mustRegister()
		time.Sleep(3 * time.Second)
		r.wantAdmin(forcedMaint, "after Register")
		if p := r.Published(); !strings.Contains(p, "in maintenance") {
			t.Errorf("Published() = %q, want that it is in maintenance", p)
		}
	})
}

// TestAgentThatUndoes: HAProxy does not show an agent's "ready", so it is watched.
func TestAgentThatUndoes(t *testing.T) {
	for name, test := range map[string]struct {
		word  string
		undo  bool
		watch bool
	}{
		"says ready":                {"", true, true},
		"says up ready":             {"via agent : up ready", true, true},
		"says up":                   {"via agent : up", false, false},
		"says what HAProxy ignores": {"", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, 1, func(t *testing.T, r *rig) {
				f := r.fakes[0]
				f.word = test.word
				f.change(func(s *server) { s.agent = 22 })
				r.mustRegister()
				if test.undo {
					time.AfterFunc(1500*time.Millisecond, func() { f.operate(stateReady) })
				}
				began := time.Now()
				err := r.Deregister(t.Context())
				if test.undo != (err != nil) || test.undo && !strings.Contains(err.Error(), "agent-check") {
					t.Errorf("Deregister() = %v, want an error that names the agent: %v", err, test.undo)
				}
				if watched := time.Since(began) > time.Second; watched != test.watch {
					t.Errorf("Deregister took %v, want that it watches the agent: %v", time.Since(began), test.watch)
				}
				r.wantAdmin(forcedDrain, "after Deregister")
				if published := r.Published() != ""; published != test.undo {
					t.Errorf("Published() = %q, want something: %v", r.Published(), test.undo)
				}
			})
		})
	}
}
