// SPDX-License-Identifier: Apache-2.0

package registrartest

import "time"

// What Watch must not tell.
var silenceTests = []subtest{
	{"Watch does not tell of Deregister", []string{"Watch"}, func(s *scene) {
		s.mustRegister()
		w := s.watch(0)
		n := w.wantFrom(0, true, "after Register")
		s.mustDeregister()
		w.silent(n, "after Deregister")
		s.mustRegister()
		w.wantFrom(n, true, "after Register")
	}},
	{"Watch does not tell of what operators do after Deregister", []string{"Watch", "Offline", "Online"}, func(s *scene) {
		s.mustRegister()
		w := s.watch(0)
		n := w.wantFrom(0, true, "after Register")
		s.mustDeregister()
		s.Offline()
		time.Sleep(outage)
		s.Online()
		w.silent(n, "switched off and on after Deregister,")
	}},
	{"Watch does not tell of an outage", []string{"Watch", "Unreachable"}, func(s *scene) { silentDuring(s, s.Unreachable) }},
	{"Watch does not tell of a frozen registry", []string{"Watch", "Freeze"}, func(s *scene) { silentDuring(s, s.Freeze) }},
	{"Watch does not tell of a broken connection", []string{"Watch", "Reconnect"}, func(s *scene) {
		silentDuring(s, func() func() {
			s.Reconnect()
			return func() {}
		})
	}},
	{"Watch does not tell of a lost registration", []string{"Watch", "Lose"}, func(s *scene) {
		silentDuring(s, func() func() {
			s.Lose()
			return func() {}
		})
	}},
}

func silentDuring(s *scene, lever func() func()) {
	s.mustRegister()
	w := s.watch(0)
	n := w.wantFrom(0, true, "after Register")
	restore := s.fault(lever)
	time.Sleep(outage)
	restore()
	w.neverOffline(n, "after the fault")
	s.mustRegister()
	w.wantFrom(n, true, "after the fault, and Register,")
}
