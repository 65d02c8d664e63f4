// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"time"
)

// Close comes once, at the very end, whatever is under way.
var closeTests = []subtest{
	{"Close before anything", []string{"Close"}, func(s *scene) { s.mustClose() }},
	{"Close after Register", []string{"Close"}, func(s *scene) {
		s.mustRegister()
		s.mustClose()
	}},
	{"Close does not bring the instance back", []string{"Close"}, func(s *scene) {
		s.mustRegister()
		s.mustDeregister()
		s.mustClose()
		s.stays(false, "after Deregister and Close")
	}},
	{"Close during Register", []string{"Close"}, func(s *scene) {
		closeDuring(s, func(ctx context.Context) *call {
			return s.begin(ctx, "Register", func() error { return s.registrar.Register(ctx, s.Addr) })
		})
	}},
	{"Close during Register, registry frozen", []string{"Close", "Freeze"}, func(s *scene) {
		s.fault(s.Freeze)
		closeDuring(s, func(ctx context.Context) *call {
			return s.begin(ctx, "Register", func() error { return s.registrar.Register(ctx, s.Addr) })
		})
	}},
	{"Close during Deregister", []string{"Close"}, func(s *scene) {
		s.mustRegister()
		closeDuring(s, func(ctx context.Context) *call {
			return s.begin(ctx, "Deregister", func() error { return s.registrar.Deregister(ctx) })
		})
	}},
	{"Close during Deregister, registry frozen", []string{"Close", "Freeze"}, func(s *scene) {
		s.mustRegister()
		s.fault(s.Freeze)
		closeDuring(s, func(ctx context.Context) *call {
			return s.begin(ctx, "Deregister", func() error { return s.registrar.Deregister(ctx) })
		})
	}},
	{"Close during Watch", []string{"Close", "Watch"}, func(s *scene) {
		s.mustRegister()
		w := s.watch(0)
		n := w.wantFrom(0, true, "after Register")
		s.mustClose()
		w.neverOffline(n, "after Close")
		w.end()
	}},
	{"Close during Gone", []string{"Close", "Gone"}, func(s *scene) {
		s.mustRegister()
		s.mustDeregister()
		closeDuring(s, func(ctx context.Context) *call {
			return s.begin(ctx, "Gone", func() error { return s.registrar.(prover).Gone(ctx) })
		})
	}},
}

func (s *scene) mustClose() {
	s.Helper()
	s.closed = true
	var err error
	s.atMost(s.Patience, "Close", func() { err = s.registrar.(closer).Close() })
	if err != nil {
		s.Errorf("Close() = %v, want nil", err)
	}
}

// closeDuring closes while a method is under way, which returns at the latest when its context has ended. An error of a
// Close that comes in between is no failure.
func closeDuring(s *scene, begin func(context.Context) *call) {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := begin(ctx)
	time.Sleep(time.Millisecond)
	s.close()
	cancel()
	_ = c.wait()
}
