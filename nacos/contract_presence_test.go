// SPDX-License-Identifier: Apache-2.0

package nacos_test

import (
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos"
)

func registerIsSeen(t *testing.T, b backend) {
	s := b.newService(t)
	r := s.newRegistrar(nacos.Instance{Weight: 3, Metadata: map[string]string{"zone": "a"}})
	if s.entry(ours) != nil {
		t.Fatalf("listed before Register")
	}
	s.register(r, listener)
	e := s.entry(ours)
	if e == nil {
		t.Fatalf("Register() = nil and the open list has no %s", ours)
	}
	if e.Weight != 3 || e.Metadata["zone"] != "a" || !e.Healthy || !e.Enabled || e.cluster() != "DEFAULT" {
		t.Errorf("listed as %+v, want weight 3, zone a, cluster DEFAULT, healthy, enabled", *e)
	}
	s.register(r, listener) // registered already: it makes sure
	if s.entry(ours) == nil {
		t.Errorf("second Register() = nil and the open list has no %s", ours)
	}
}

func deregisterIsSeen(t *testing.T, b backend) {
	s := b.newService(t)
	r := s.newRegistrar(nacos.Instance{})
	s.register(r, listener)
	s.deregister(r)
	s.wantAbsent(ours, b.listLag)
	began := time.Now()
	s.deregister(r)
	if d := time.Since(began); d > nacos.AbsenceWait {
		t.Errorf("second Deregister() took %v, want no waiting for a list that is not pushed", d)
	}
}

func registerAgain(t *testing.T, b backend) {
	s := b.newService(t)
	r := s.newRegistrar(nacos.Instance{})
	for round := range 3 {
		s.register(r, listener)
		if s.entry(ours) == nil {
			t.Fatalf("round %d: Register() = nil and the open list has no %s", round, ours)
		}
		s.deregister(r)
		s.wantAbsent(ours, b.listLag)
	}
	time.Sleep(2 * time.Second) // no registration is still on its way
	s.wantAbsent(ours, 0)
}

func closeIsSeen(t *testing.T, b backend) {
	s := b.newService(t)
	r := s.newRegistrar(nacos.Instance{})
	s.register(r, listener)
	if err := r.Close(); err != nil {
		t.Errorf("Close() = %v, want nil", err)
	}
	s.wantAbsent(ours, 5*time.Second)
}
