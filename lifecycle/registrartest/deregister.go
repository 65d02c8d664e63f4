// SPDX-License-Identifier: Apache-2.0

package registrartest

import "errors"

var deregisterTests = []subtest{
	{"Deregister returns once absent", nil, func(s *scene) {
		s.mustRegister()
		s.mustDeregister()
		s.stays(false, "after Deregister")
	}},
	{"Deregister again", nil, func(s *scene) {
		s.mustRegister()
		s.mustDeregister()
		s.mustDeregister()
		s.stays(false, "after two Deregisters")
	}},
	{"Deregister without a Register", nil, func(s *scene) {
		s.mustDeregister()
		s.mustRegister()
	}},
	{"Deregister with a context that has ended", nil, func(s *scene) {
		s.mustRegister()
		if s.deregister(endedContext()) == nil && !s.isSoon(false, s.Lag) {
			s.Error("Deregister() = nil, and the instance is listed")
		}
		s.mustDeregister()
	}},
	{"Deregister ends with its context, registry unreachable", []string{"Unreachable"}, func(s *scene) { _ = deregisterDuring(s, s.Unreachable) }},
	{"Deregister ends with its context, registry frozen", []string{"Freeze"}, func(s *scene) {
		if err := deregisterDuring(s, s.Freeze); isRefused(err) {
			s.Errorf("Deregister() = %v, which says that it was refused, and nobody has answered", err)
		}
	}},
	{"Deregister that is refused", []string{"Refuse"}, deregisterRefused},
	{"Deregister while an operator holds it", []string{"Offline"}, func(s *scene) {
		s.mustRegister()
		s.Offline()
		s.wantAbsent("switched off,")
		s.mustDeregister()
		s.stays(false, "after Deregister")
	}},
	{"Withdrawn stays withdrawn", []string{"Return"}, func(s *scene) {
		s.mustRegister()
		s.mustDeregister()
		for range 2 {
			s.Return()
			s.wantAbsent("brought back after Deregister, and withdrawn again,")
		}
		s.mustRegister()
		s.stays(true, "registered again,")
	}},
	{"Withdrawn stays withdrawn, whatever operators do", []string{"Offline", "Online"}, func(s *scene) {
		s.mustRegister()
		s.mustDeregister()
		s.Offline()
		s.Online()
		s.wantAbsent("switched on after Deregister, and withdrawn again,")
		s.stays(false, "switched on after Deregister, and withdrawn again,")
		s.mustRegister()
	}},
}

// deregisterDuring deregisters while the registry is away. Where that means that nobody lists the instance, nil is right.
func deregisterDuring(s *scene, lever func() func()) error {
	s.mustRegister()
	restore := s.fault(lever)
	err := s.deregister(s.within(outage))
	if err == nil && s.Listed() {
		s.Fatal("Deregister() = nil while the registry is away, and the instance is listed")
	}
	restore()
	s.mustDeregister()
	s.stays(false, "after Deregister")
	s.mustRegister()
	s.stays(true, "after a Deregister that was given up, another one, and Register")
	return err
}

func isRefused(err error) bool {
	e, ok := errors.AsType[interface {
		error
		Refused() bool
	}](err)
	return ok && e.Refused()
}

// deregisterRefused: a Registrar may have other ways than to ask, so nil is right where the instance is absent.
func deregisterRefused(s *scene) {
	s.mustRegister()
	allow := s.fault(s.Refuse)
	if err := s.deregister(s.within(s.Patience)); err == nil && !s.isSoon(false, s.Lag) {
		s.Fatal("Deregister() = nil while the registry refuses, and the instance is listed")
	}
	allow()
	s.mustDeregister()
}
