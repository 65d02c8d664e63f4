// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"errors"
	"net"
	"time"
)

var registerTests = []subtest{
	{"Register returns once listed", nil, func(s *scene) {
		s.mustRegister()
		s.stays(true, "after Register")
	}},
	{"Register again changes nothing", nil, func(s *scene) {
		s.mustRegister()
		s.mustRegister()
		s.mustDeregister()
		s.stays(false, "after two Registers and one Deregister")
	}},
	{"Register with a context that has ended", nil, func(s *scene) {
		if s.register(endedContext()) == nil && !s.isSoon(true, s.Lag) {
			s.Error("Register() = nil, and the instance is not listed")
		}
		s.mustDeregister()
		s.stays(false, "after Deregister")
	}},
	{"Register ends with its context, registry unreachable", []string{"Unreachable"}, func(s *scene) { registerDuring(s, s.Unreachable) }},
	{"Register ends with its context, registry frozen", []string{"Freeze"}, func(s *scene) { registerDuring(s, s.Freeze) }},
	{"Register that is refused", []string{"Refuse"}, registerRefused},
	{"Register for another listener", nil, registerElsewhere},
	{"Register leaves an operator's offline alone", []string{"Offline", "Online"}, registerHeld},
	{"Register after an operator's offline", []string{"Offline", "Online"}, registerAfterHeld},
}

// outage is for how long the registry is away in most subtests.
const outage = 500 * time.Millisecond

// registerDuring registers while the registry is away; what was given up does not happen later.
func registerDuring(s *scene, lever func() func()) {
	restore := s.fault(lever)
	if err := s.register(s.within(outage)); err == nil && !s.isSoon(true, s.Lag) {
		s.Fatal("Register() = nil while the registry is away, and the instance is not listed")
	}
	restore()
	s.mustDeregister()
	s.stays(false, "after a Register that was given up, and Deregister,")
	s.mustRegister()
}

func registerRefused(s *scene) {
	allow := s.fault(s.Refuse)
	if err := s.register(s.within(s.Patience)); err == nil && !s.isSoon(true, s.Lag) {
		s.Fatal("Register() = nil while the registry refuses, and the instance is not listed")
	}
	allow()
	s.mustDeregister()
	s.mustRegister()
}

// registerElsewhere is what a second Manager does with the Registrar.
func registerElsewhere(s *scene) {
	s.mustRegister()
	ctx := s.within(s.Patience)
	second := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50999}
	err := s.begin(ctx, "Register", func() error { return s.registrar.Register(ctx, second) }).wait()
	e, ok := errors.AsType[interface {
		error
		InUse() bool
	}](err)
	if !ok || !e.InUse() {
		s.Skipf("Register() of a second listener = %v, which does not say InUse: there is nothing to look at", err)
	}
	s.stays(true, "after a Register that says InUse")
	s.mustDeregister()
}

// registerHeld registers again while an operator holds the instance.
func registerHeld(s *scene) {
	s.mustRegister()
	s.Offline()
	s.wantAbsent("switched off,")
	if err := s.register(s.within(s.Patience)); err != nil {
		s.Fatalf("Register() while an operator holds the instance = %v, want nil", err)
	}
	s.stays(false, "switched off, and registered again,")
	s.Online()
	s.wantListed("switched on,")
}

// registerAfterHeld is for registries that remember an operator's offline longer than the instance, and for others.
func registerAfterHeld(s *scene) {
	s.mustRegister()
	s.Offline()
	s.wantAbsent("switched off,")
	s.mustDeregister()
	if err := s.register(s.within(s.Patience)); err != nil {
		s.Fatalf("Register() = %v, want nil: listed, or held by an operator", err)
	}
	if !s.isSoon(true, s.Lag) {
		s.Online()
	}
	s.wantListed("switched on,")
}
