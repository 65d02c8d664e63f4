// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"errors"
	"time"
)

var goneTests = []subtest{
	{"Gone after Deregister", []string{"Gone"}, func(s *scene) {
		s.mustRegister()
		s.mustDeregister()
		time.Sleep(s.Lag)
		if err := s.gone(s.within(s.Patience)); err != nil && !isUnproven(err) {
			s.Errorf("Gone() = %v, want nil, or that it cannot be known", err)
		}
	}},
	{"Gone while listed", []string{"Gone"}, func(s *scene) {
		s.mustRegister()
		if err := s.gone(s.within(s.Patience)); err == nil {
			s.Error("Gone() = nil while the instance is listed, want who lists it, or that it cannot be known")
		}
	}},
	{"Gone ends with its context, registry unreachable", []string{"Gone", "Unreachable"}, func(s *scene) { goneDuring(s, s.Unreachable) }},
	{"Gone ends with its context, registry frozen", []string{"Gone", "Freeze"}, func(s *scene) { goneDuring(s, s.Freeze) }},
}

func (s *scene) gone(ctx context.Context) error {
	s.Helper()
	return s.begin(ctx, "Gone", func() error { return s.registrar.(prover).Gone(ctx) }).wait()
}

func isUnproven(err error) bool {
	e, ok := errors.AsType[interface {
		error
		Unproven() bool
	}](err)
	return ok && e.Unproven()
}

// goneDuring asks who cannot answer: that is no proof.
func goneDuring(s *scene, lever func() func()) {
	s.mustRegister()
	s.mustDeregister()
	s.fault(lever)
	if err := s.gone(s.within(outage)); err == nil {
		s.Error("Gone() = nil while the registry is away, want an error")
	}
	_ = s.gone(endedContext()) // it returns
}
