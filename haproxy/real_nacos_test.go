// SPDX-License-Identifier: Apache-2.0

//go:build unix && !race

package haproxy_test

import (
	"strings"
	"testing"

	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// inBoth is a replica that is listed in a Nacos and behind a HAProxy.
func inBoth(t *testing.T, p *process, registry *nacostest.Server, addr, server string, e *executions) *replica {
	t.Helper()
	inNacos, err := nacos.New(nacos.Config{Servers: []string{registry.Addr()}, Logger: logger(t)},
		nacos.Instance{Service: "greeter", Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	return startReplica(t, addr, e, lifecycle.WithRegistrar(inNacos), lifecycle.WithRegistrar(newRegistrar(t, server, p.admin())))
}

// TestRealNacosAndHAProxy: the instance leaves both in parallel, settles as long as the slower one needs, and shows each.
func TestRealNacosAndHAProxy(t *testing.T) {
	t.Parallel()
	addrs, e := freeAddrs(t, 2), newExecutions()
	p, registry := start(t, servers(addrs, checked)...), nacostest.Start(t)
	r := inBoth(t, p, registry, addrs[0], "s1", e)
	inBoth(t, p, registry, addrs[1], "s2", e)
	until(t, "both are listed", func() bool { return len(registry.Instances("greeter")) == 2 })
	load := startLoad(t, p.front())
	r.goOffline(t)
	load.wantNothingLost(t, e, "Nacos and HAProxy")
	report := r.Report()
	if report.Settling.Settle != nacos.DefaultSettle {
		t.Errorf("settle %v, want that of Nacos", report.Settling.Settle)
	}
	if len(report.Registrars) != 2 {
		t.Fatalf("registrars %+v, want two", report.Registrars)
	}
	for n, name := range []string{"nacos ", "haproxy grpc/s1"} {
		if s := report.Registrars[n]; !strings.HasPrefix(s.Name, name) || s.State != lifecycle.Withdrawn {
			t.Errorf("registrar %+v, want %s, withdrawn", s, name)
		}
	}
	if left := registry.Instances("greeter"); len(left) != 1 || p.flags("s1") != "8" {
		t.Errorf("Nacos lists %v, HAProxy's flags are %s; want one instance, a drain", left, p.flags("s1"))
	}
}

// TestRealOperatorAtOneOfTwo: at one of them it is shown, at both it parks, and it serves again when one of them lets it.
func TestRealOperatorAtOneOfTwo(t *testing.T) {
	t.Parallel()
	addrs, e := freeAddrs(t, 2), newExecutions()
	p, registry := start(t, servers(addrs, checked)...), nacostest.Start(t)
	r := inBoth(t, p, registry, addrs[0], "s1", e)
	inBoth(t, p, registry, addrs[1], "s2", e)
	load := startLoad(t, p.front())
	offline := func(n int) bool { return r.Status().Registrars[n].Offline }
	registry.SetEnabled("greeter", addrs[0], false)
	until(t, "Nacos' operator is shown", func() bool { return offline(0) })
	if s := r.Status(); s.State != lifecycle.Serving || !s.Ready {
		t.Errorf("state %v, ready %t; want serving: HAProxy lists it", s.State, s.Ready)
	}
	p.set("s1", "maint")
	until(t, "it parks", func() bool { return r.Status().State == lifecycle.Draining })
	if causes := strings.Join(r.Status().Causes, ", "); !strings.Contains(causes, "nacos") || !strings.Contains(causes, "haproxy grpc/s1") {
		t.Errorf("causes %q, want both registrars", causes)
	}
	registry.SetEnabled("greeter", addrs[0], true)
	until(t, "it serves", func() bool { return r.Status().State == lifecycle.Serving })
	p.set("s1", "ready")
	until(t, "no operator is shown", func() bool { return !offline(0) && !offline(1) })
	load.wantNothingLost(t, e, "operator at one of two")
}

// TestRealOneOfTwoDoesNotAnswer: its failure does not keep the other from being told.
func TestRealOneOfTwoDoesNotAnswer(t *testing.T) {
	t.Parallel()
	addrs, e := freeAddrs(t, 1), newExecutions()
	p, registry := start(t, servers(addrs, checked)...), nacostest.Start(t)
	r := inBoth(t, p, registry, addrs[0], "s1", e)
	thaw := p.freeze()
	defer thaw()
	r.stop()
	until(t, "Nacos lists nobody", func() bool { return len(registry.Instances("greeter")) == 0 })
	err := r.finish(t)
	if err == nil || lifecycle.ExitCode(err) != 0 || !strings.Contains(err.Error(), "haproxy grpc/s1") {
		t.Errorf("Run() = %v, want an error that names HAProxy, and no failure of the process", err)
	}
	report := r.Report()
	if report.Registrars[0].State != lifecycle.Withdrawn || report.Registrars[1].State != lifecycle.Unconfirmed || !report.Unconfirmed {
		t.Errorf("registrars %+v, unconfirmed %t; want withdrawn at Nacos, unconfirmed at HAProxy", report.Registrars, report.Unconfirmed)
	}
	if took := report.Took; took > lifecycle.DefaultBudget*3/4 {
		t.Errorf("it took %v, want some more than half the budget", took)
	}
}
