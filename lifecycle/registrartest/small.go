// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// The methods that only answer.
var smallTests = []subtest{
	{"Optional methods have the types that lifecycle looks for", nil, func(s *scene) {
		for _, name := range slices.Sorted(maps.Keys(methods)) {
			m := reflect.ValueOf(s.registrar).MethodByName(name)
			if m.IsValid() && !methods[name](s.registrar) {
				s.Errorf("the method %s is a %s, which lifecycle does not find", name, m.Type())
			}
		}
	}},
	{"Settle", []string{"Settle"}, func(s *scene) {
		if d := s.settle(); d < 0 {
			s.Errorf("Settle() = %v, want zero or more", d)
		}
	}},
	{"String", []string{"String"}, func(s *scene) {
		before := atOnce(s, "String", s.registrar.(fmt.Stringer).String)
		s.mustRegister()
		if after := atOnce(s, "String", s.registrar.(fmt.Stringer).String); before == "" || after != before {
			s.Errorf("String() = %q, and after Register %q, want one name", before, after)
		}
	}},
	{"Failure", []string{"Failure"}, func(s *scene) {
		s.wantNoFailure("before Register")
		s.mustRegister()
		s.wantNoFailure("after Register")
		s.mustDeregister()
		s.wantNoFailure("after Deregister")
	}},
	{"Failure while the registry is unreachable", []string{"Failure", "Unreachable"}, func(s *scene) { failureDuring(s, s.Unreachable) }},
	{"What answers at once does, registry frozen", []string{"Freeze"}, answersDuring},
	{"What answers at once may be called at any time", nil, func(s *scene) {
		ctx, cancel := context.WithCancel(context.Background())
		s.Cleanup(cancel)
		c := s.begin(ctx, "what answers at once", func() error {
			for ; ctx.Err() == nil; time.Sleep(time.Millisecond) {
				for _, ask := range s.answers() {
					ask()
				}
			}
			return nil
		})
		for range 2 {
			s.mustRegister()
			s.mustDeregister()
		}
		cancel()
		_ = c.wait() // for the race detector, and panics
	}},
}

func (s *scene) settle() time.Duration { return atOnce(s, "Settle", s.registrar.(settler).Settle) }

func (s *scene) failure() error { return atOnce(s, "Failure", s.registrar.(failing).Failure) }

func (s *scene) wantNoFailure(when string) {
	s.Helper()
	if err := s.failure(); err != nil {
		s.Errorf("%s Failure() = %v, want nil", when, err)
	}
}

// failureDuring: the Register under way may return early, with the error that Failure would have had.
func failureDuring(s *scene, lever func() func()) {
	restore := s.fault(lever)
	ctx := s.within(2 * s.Patience)
	c := s.begin(ctx, "Register", func() error { return s.registrar.Register(ctx, s.Addr) })
	said := s.comes(s.Patience, func() bool { return s.failure() != nil || c.hasReturned() })
	if !said {
		s.Errorf("Failure() = nil while Register does not succeed, for %v", s.Patience)
	}
	restore()
	_ = c.wait()
	s.mustRegister()
	s.wantNoFailure("after the outage, and Register,")
}

// answersDuring calls what returns at once while a Register and a Deregister wait for the registry.
func answersDuring(s *scene) {
	s.mustRegister()
	s.fault(s.Freeze)
	ask := func() {
		for method, f := range s.answers() {
			s.atMost(once, method, f)
		}
	}
	ctx := s.within(outage)
	c := s.begin(ctx, "Deregister", func() error { return s.registrar.Deregister(ctx) })
	time.Sleep(outage / 2)
	ask()
	_ = c.wait()
	ctx = s.within(outage)
	c = s.begin(ctx, "Register", func() error { return s.registrar.Register(ctx, s.Addr) })
	time.Sleep(outage / 2)
	ask()
	_ = c.wait()
}

// answers are the methods that answer at once, as far as the Registrar has them.
func (s *scene) answers() map[string]func() {
	found := map[string]func(){}
	if r, ok := s.registrar.(settler); ok {
		found["Settle"] = func() { r.Settle() }
	}
	if r, ok := s.registrar.(fmt.Stringer); ok {
		found["String"] = func() { _ = r.String() }
	}
	if r, ok := s.registrar.(otherser); ok {
		found["Others"] = func() { r.Others() }
	}
	if r, ok := s.registrar.(publisher); ok {
		found["Published"] = func() { r.Published() }
	}
	if r, ok := s.registrar.(failing); ok {
		found["Failure"] = func() { _ = r.Failure() }
	}
	return found
}
