// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
)

var goroutineTests = []subtest{
	{"No goroutine is left", []string{"Close"}, func(s *scene) {
		s.wantNoneLeft(func() {
			s.mustRegister()
			s.watchWhile(func() {
				s.mustRegister()
				s.mustDeregister()
				s.mustRegister()
			})
			s.mustDeregister()
			s.mustClose()
		})
	}},
	{"No goroutine is left, closed without Deregister", []string{"Close"}, func(s *scene) {
		s.wantNoneLeft(func() {
			s.mustRegister()
			s.mustClose()
		})
	}},
	{"No goroutine is left, registry frozen", []string{"Close", "Freeze"}, func(s *scene) {
		s.wantNoneLeft(func() {
			s.mustRegister()
			thaw := s.fault(s.Freeze)
			_ = s.deregister(s.within(outage))
			s.close()
			thaw()
		})
	}},
}

func (s *scene) watchWhile(f func()) {
	if _, ok := s.registrar.(watcher); !ok {
		f()
		return
	}
	w := s.watch(0)
	f()
	w.end()
}

// wantNoneLeft looks at the goroutines that f has begun, and those that they have begun: they inherit f's labels.
func (s *scene) wantNoneLeft(f func()) {
	s.Helper()
	s.labelled(f)
	var left string
	none := func() bool {
		left = labelled(s.label())
		return left == ""
	}
	if !comes(s.Patience, 10*look, none) {
		s.Errorf("goroutines are left %v after Close:\n%s", s.Patience, left)
	}
}

func (s *scene) labelled(f func()) {
	pprof.Do(context.Background(), pprof.Labels(labelKey, s.label()), func(context.Context) { f() })
}

func (s *scene) label() string { return fmt.Sprintf("%s %p", s.Name(), s) }

const labelKey = "registrartest"

// labelled returns the stacks of the goroutines that have the label.
func labelled(label string) string {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return err.Error()
	}
	var found []string
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, fmt.Sprintf("%q:%q", labelKey, label)) {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}
