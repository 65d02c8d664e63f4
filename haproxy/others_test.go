// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"reflect"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

var (
	_ lifecycle.Registrar                     = (*Registrar)(nil)
	_ interface{ Others() []lifecycle.Other } = (*Registrar)(nil)
	_ lifecycle.Server                        = (*Agent)(nil)
	_ lifecycle.Health                        = (*Agent)(nil)
)

func TestOthers(t *testing.T) {
	within(t, 2, func(t *testing.T, r *rig) {
		if got := r.Others(); got != nil {
			t.Errorf("before Register Others() = %v, want nil", got)
		}
		r.mustRegister()
		s2, s3 := Other{Addr: "10.0.0.1:9002", Usable: true}, Other{Addr: "10.0.0.1:9003", Usable: true}
		wantOthers(t, r, "after Register", s2, s3)

		r.fakes[1].set2("s2", func(s *server) { s.op = down })
		time.Sleep(lookTwice)
		s2.Usable = false
		wantOthers(t, r, "down at one of two", s2, s3)
		r.fakes[1].set2("s2", func(s *server) { s.op = running })
		began := time.Now()
		time.Sleep(lookTwice)
		s2.Usable = true
		others := r.Others()
		if age := others[0].Since.Sub(began); age < 0 || age > lookAgain {
			t.Errorf("up again Others() = %v, want Since up to %v after %v", others, lookAgain, began)
		}
		s2.Since = others[0].Since
		time.Sleep(lookTwice)
		wantOthers(t, r, "later", s2, s3)

		for name, change := range map[string]func(*server){
			"drained":           func(s *server) { s.admin = forcedDrain },
			"maintenance":       func(s *server) { s.admin = forcedMaint },
			"no weight":         func(s *server) { s.weight = 0 },
			"404":               func(s *server) { s.op = stopping },
			"tracks a drained":  func(s *server) { s.admin = inheritedDrain },
			"tracks one maint":  func(s *server) { s.admin = inheritedMaint },
			"without an adress": func(s *server) { s.admin = resolvingMaint },
		} {
			r.fakes[0].set2("s3", change)
			time.Sleep(lookTwice)
			if others := r.Others(); len(others) != 2 || others[1].Usable {
				t.Errorf("%s: Others() = %v, want the second one not to be usable", name, others)
			}
			r.fakes[0].set2("s3", func(s *server) { s.admin, s.op, s.weight = 0, running, 1 })
		}
	})
}

// set2 changes a server by its name.
func (f *fake) set2(name string, change func(*server)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.servers {
		if f.servers[i].name == name {
			change(&f.servers[i])
		}
	}
}

func wantOthers(t *testing.T, r *rig, when string, want ...Other) {
	t.Helper()
	if got := r.Others(); !reflect.DeepEqual(got, want) {
		t.Errorf("%s Others() = %v, want %v", when, got, want)
	}
}

func TestOthersWhereThereAreNone(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.fakes[0].mu.Lock()
		r.fakes[0].servers = r.fakes[0].servers[:1]
		r.fakes[0].mu.Unlock()
		r.mustRegister()
		if got := r.Others(); got == nil || len(got) > 0 {
			t.Errorf("Others() = %#v, want none, and not nil", got)
		}
	})
}

func TestOthersOfABalancerWithoutThem(t *testing.T) {
	within(t, 2, func(t *testing.T, r *rig) {
		r.fakes[1].mu.Lock()
		r.fakes[1].servers = r.fakes[1].servers[:2]
		r.fakes[1].mu.Unlock()
		r.mustRegister()
		wantOthers(t, r, "s3 at one of two", Other{Addr: "10.0.0.1:9002", Usable: true}, Other{Addr: "10.0.0.1:9003"})
	})
}
