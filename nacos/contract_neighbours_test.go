// SPDX-License-Identifier: Apache-2.0

package nacos_test

import (
	"net"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos"
)

var otherListener = &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 9091}

const others = "10.0.0.7:9091"

func neighbourStays(t *testing.T, b backend) {
	s := b.newService(t)
	first, second := s.newRegistrar(nacos.Instance{}), s.newRegistrar(nacos.Instance{})
	s.register(first, listener)
	s.register(second, otherListener)
	reports := watch(t, second)
	wantReport(t, reports, true)
	s.deregister(first)
	s.wantAbsent(ours, b.listLag)
	for range 10 {
		if s.entry(others) == nil {
			t.Fatalf("Deregister of %s took %s off the list", ours, others)
		}
		time.Sleep(100 * time.Millisecond)
	}
	wantSilence(t, reports)
}

func twoPorts(t *testing.T, b backend) {
	s := b.newService(t)
	first, second := s.newRegistrar(nacos.Instance{}), s.newRegistrar(nacos.Instance{})
	done := make(chan error)
	for r, addr := range map[*nacos.Registrar]net.Addr{first: listener, second: otherListener} {
		go func() { done <- r.Register(within(t, patience), addr) }()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Errorf("Register() = %v, want nil", err)
		}
	}
	if list := s.list(); len(list) != 2 || s.entry(ours) == nil || s.entry(others) == nil {
		t.Errorf("the open list has %v, want %s and %s", list, ours, others)
	}
	if err := first.Close(); err != nil {
		t.Errorf("Close() = %v, want nil", err)
	}
	s.wantAbsent(ours, 5*time.Second)
	if s.entry(others) == nil {
		t.Errorf("Close of the Registrar of %s took %s off the list", ours, others)
	}
}

func groupIsItsOwn(t *testing.T, b backend) {
	s := b.newService(t)
	r := s.newRegistrar(nacos.Instance{Group: "payments"})
	s.register(r, listener)
	if list := s.list(); len(list) != 0 {
		t.Errorf("registered in group payments, DEFAULT_GROUP has %v, want nothing", list)
	}
	s.group = "payments"
	if s.entry(ours) == nil {
		t.Errorf("Register() = nil and the open list of group payments has no %s", ours)
	}
	s.deregister(r)
	s.wantAbsent(ours, b.listLag)
}
