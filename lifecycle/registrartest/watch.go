// SPDX-License-Identifier: Apache-2.0

package registrartest

import "time"

var watchTests = []subtest{
	{"Watch blocks until its context ends", []string{"Watch"}, func(s *scene) {
		s.mustRegister()
		w := s.watch(0)
		w.wantFrom(0, true, "after Register")
		if w.comes(s.Stay, w.hasReturned) {
			s.Fatalf("Watch() = %v, want it to block until its context ends", w.wait())
		}
		w.end()
		again := s.watch(0)
		again.wantFrom(0, true, "begun anew,")
		s.mustDeregister()
		again.end()
		ended := endedContext()
		_ = s.begin(ended, "Watch", func() error { return s.registrar.(watcher).Watch(ended, func(bool) {}) }).wait()
	}},
	{"Watch tells how it is held after each Register", []string{"Watch"}, func(s *scene) {
		s.mustRegister()
		w := s.watch(0)
		n := w.wantFrom(0, true, "after the first Register")
		s.mustRegister()
		n = w.wantFrom(n, true, "after a second Register")
		s.mustDeregister()
		s.mustRegister()
		w.wantFrom(n, true, "after Deregister and Register")
	}},
	{"Watch tells offline and online", []string{"Watch", "Offline", "Online"}, func(s *scene) {
		s.mustRegister()
		w := s.watch(0)
		n := w.wantFrom(0, true, "after Register")
		for range 2 {
			s.Offline()
			n = w.wantFrom(n, false, "switched off,")
			if !s.isSoon(false, s.Lag) {
				s.Error("Watch has told offline, and the instance is listed")
			}
			s.Online()
			n = w.wantFrom(n, true, "switched on,")
			s.wantListed("switched on,")
		}
	}},
	{"Watch tells in order, one at a time", []string{"Watch", "Offline", "Online"}, watchInOrder},
	{"Watch tells of an offline from before", []string{"Watch", "Offline", "Online"}, func(s *scene) {
		s.mustRegister()
		s.Offline()
		s.wantAbsent("switched off,")
		w := s.watch(0)
		n := w.wantFrom(0, false, "switched off before Watch began,")
		if err := s.register(s.within(s.Patience)); err != nil {
			s.Fatalf("Register() while an operator holds the instance = %v, want nil", err)
		}
		n = w.wantFrom(n, false, "registered again while held,")
		s.Online()
		w.wantFrom(n, true, "switched on,")
	}},
	{"Watch tells before Deregister returns", []string{"Watch", "Offline", "Online"}, watchThenDeregister},
}

// watchInOrder has a function that is slower than the operator. What it is too slow for may be skipped; the last thing that
// they have done is told, and told last.
func watchInOrder(s *scene) {
	s.mustRegister()
	w := s.watch(50 * time.Millisecond)
	n := w.wantFrom(0, true, "after Register")
	for _, online := range []bool{false, true} {
		for _, o := range []bool{online, !online, online} {
			s.operate(o)
		}
		if online {
			// Who attributes an absence slowly has seen nothing of it, and has nothing to tell.
			w.neverEndsWith(n, false, "switched on, off and on,")
			continue
		}
		n = w.wantFrom(n, false, "switched off, on and off,")
		w.neverEndsWith(n, true, "switched off, on and off,")
		n = len(w.told(0))
	}
	w.wantFrom(0, true, "switched on at the end,")
	w.end()
}

func (s *scene) operate(online bool) {
	if online {
		s.Online()
	} else {
		s.Offline()
	}
}

// neverEndsWith waits for as long as Stay, and looks at the last report then.
func (w *watching) neverEndsWith(n int, wrong bool, when string) {
	w.Helper()
	time.Sleep(w.Stay)
	if reports := w.told(n); len(reports) > 0 && reports[len(reports)-1] == wrong {
		w.Fatalf("%s Watch has told %v, want %v at last", when, reports, !wrong)
	}
}

// watchThenDeregister: settle counts from the last absence, so an online that is told late makes it too short.
func watchThenDeregister(s *scene) {
	s.mustRegister()
	w := s.watch(50 * time.Millisecond)
	n := w.wantFrom(0, true, "after Register")
	s.Offline()
	n = w.wantFrom(n, false, "switched off,")
	s.Online()
	s.wantListed("switched on,")
	s.mustDeregister()
	reports := w.told(n)
	if len(reports) == 0 || !reports[len(reports)-1] {
		s.Fatalf("switched on before Deregister, Watch has told %v when that returns, want true", reports)
	}
	if w.comes(w.Stay, func() bool { return len(w.told(n+len(reports))) > 0 }) {
		s.Fatalf("after Deregister Watch has told %v of what was before", w.told(n+len(reports)))
	}
}
