// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"net"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

var othersTests = []subtest{
	{"Others does not have the instance itself", []string{"Others"}, func(s *scene) {
		s.others() // before Register it returns at once, too
		s.mustRegister()
		if s.comes(s.Stay, func() bool { return s.usable() > 0 }) {
			s.Errorf("Others() = %v, want nobody who is usable: the instance is alone", s.others())
		}
	}},
	{"Others is not nil where there are none", []string{"Others"}, func(s *scene) {
		s.mustRegister()
		s.eventually("Others is not nil, which says that nothing is known", func() bool { return s.others() != nil })
	}},
	{"Others come and go", []string{"Others", "Join"}, othersComeAndGo},
	{"Others keep their ages", []string{"Others", "Join", "Reconnect"}, func(s *scene) {
		s.mustRegister()
		s.fault(func() func() { return s.Join(another) })
		s.eventually("Others has "+another, func() bool { return s.other() != nil })
		before := s.other().Since
		time.Sleep(outage)
		s.Reconnect()
		if s.comes(s.Stay, func() bool { o := s.other(); return o != nil && !o.Since.Equal(before) }) {
			s.Errorf("Since of %s is %v on a new connection, want %v as before", another, s.other().Since, before)
		}
		s.eventually("Others has "+another+" on the new connection", func() bool { return s.other() != nil })
	}},
}

const another = "10.9.8.7:6543"

func (s *scene) others() []lifecycle.Other {
	s.Helper()
	return atOnce(s, "Others", s.registrar.(otherser).Others)
}

// other is nil where it is not listed.
func (s *scene) other() *lifecycle.Other {
	for _, o := range s.others() {
		if o.Addr == another {
			return &o
		}
	}
	return nil
}

func (s *scene) usable() (n int) {
	for _, o := range s.others() {
		if o.Usable {
			n++
		}
	}
	return n
}

func othersComeAndGo(s *scene) {
	s.mustRegister()
	began := time.Now()
	leave := s.fault(func() func() { return s.Join(another) })
	s.eventually("Others has "+another+", and it is usable", func() bool { o := s.other(); return o != nil && o.Usable })
	o := s.other()
	// The wall clock may have been set.
	if !o.Since.IsZero() && (o.Since.Before(began.Add(-time.Minute)) || o.Since.After(time.Now().Add(time.Minute))) {
		s.Errorf("%s is listed since %v, want zero or since %v", another, o.Since, began)
	}
	for _, o := range s.others() {
		if _, _, err := net.SplitHostPort(o.Addr); err != nil {
			s.Errorf("the address %q: %v", o.Addr, err)
		}
	}
	if n := s.usable(); n != 1 {
		s.Errorf("Others() = %v, want %s alone", s.others(), another)
	}
	leave()
	s.eventually(another+" has left, and nobody is usable", func() bool { return s.usable() == 0 })
}
