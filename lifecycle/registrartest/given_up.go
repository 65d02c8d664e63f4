// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"errors"
	"time"
)

// The Manager calls Register and Deregister one at a time, and ends the call under way when the opposite is wanted. So each
// has to leave the registrar fit for the other, in whatever moment it is ended.
var givenUpTests = []subtest{
	{"Register and Deregister in turn", nil, func(s *scene) {
		for range 3 {
			s.mustRegister()
			s.mustDeregister()
		}
		s.stays(false, "after the last Deregister")
	}},
	{"Register that is given up, then Deregister", nil, func(s *scene) {
		for _, d := range moments {
			_ = s.register(s.givenUp(d)) // done before it was given up: listed, and fit for a Deregister all the same
			s.mustDeregister()
		}
		s.stays(false, "after the last Deregister")
	}},
	{"Deregister that is given up, then Register", nil, func(s *scene) {
		for _, d := range moments {
			s.mustRegister()
			_ = s.deregister(s.givenUp(d))
		}
		s.mustRegister()
		s.stays(true, "after the last Register")
	}},
}

// moments are when a call is given up.
var moments = []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 50 * time.Millisecond, 500 * time.Millisecond}

var errGivenUp = errors.New("registrartest: given up")

func (s *scene) givenUp(after time.Duration) context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	timer := time.AfterFunc(after, func() { cancel(errGivenUp) })
	s.Cleanup(func() {
		timer.Stop()
		cancel(nil)
	})
	return ctx
}
