// SPDX-License-Identifier: Apache-2.0

package registrartest

var publishedTests = []subtest{
	{"Published", []string{"Published"}, func(s *scene) {
		if p := s.published(); p != "" && !s.Listed() {
			s.Errorf("before Register Published() = %q, want nothing", p)
		}
		for range 2 {
			s.mustRegister()
			if s.published() == "" {
				s.Error("after Register Published() is empty, want an address")
			}
			s.mustDeregister()
			if p := s.published(); p != "" {
				s.Errorf("after Deregister Published() = %q, want nothing", p)
			}
		}
	}},
	{"Published after a Deregister that was given up, registry unreachable", []string{"Published", "Unreachable"}, func(s *scene) { publishedDuring(s, s.Unreachable) }},
	{"Published after a Deregister that was given up, registry frozen", []string{"Published", "Freeze"}, func(s *scene) { publishedDuring(s, s.Freeze) }},
}

func (s *scene) published() string {
	s.Helper()
	return atOnce(s, "Published", s.registrar.(publisher).Published)
}

func publishedDuring(s *scene, lever func() func()) {
	s.mustRegister()
	restore := s.fault(lever)
	err := s.deregister(s.within(outage))
	p := s.published()
	restore()
	if err != nil && p == "" {
		s.Errorf("Deregister() = %v, and Published() is empty, want an address: the absence is not confirmed", err)
	}
}
