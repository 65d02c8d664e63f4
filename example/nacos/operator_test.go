// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

const (
	here  = "10.0.0.1:9090"
	there = "[fd00::1]:9090"
)

// startOperator has a registry with three instances: here is one of orders and of payments.
func startOperator(t *testing.T) (*operator, *strings.Builder) {
	t.Helper()
	registry := nacostest.Start(t, nacostest.Options{PushDelay: time.Millisecond, PushTick: time.Millisecond})
	for _, i := range []struct{ service, addr string }{{"orders", here}, {"orders", there}, {"G@@payments", here}} {
		if _, err := registry.Publish(i.service, i.addr); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	return &operator{registry, &out}, &out
}

func (o *operator) find(t *testing.T, service, addr string) nacostest.Instance {
	t.Helper()
	for _, i := range o.registry.Instances(service) {
		if i.Addr() == addr {
			return i
		}
	}
	t.Fatalf("service %s has no instance %s", service, addr)
	return nacostest.Instance{}
}

func TestOfflineAndOnline(t *testing.T) {
	o, out := startOperator(t)
	o.do("offline " + here)
	for _, service := range []string{"orders", "G@@payments"} {
		if o.find(t, service, here).Enabled {
			t.Errorf("%s %s is enabled after offline", service, here)
		}
		if want := service + " " + here + ": offline\n"; !strings.Contains(out.String(), want) {
			t.Errorf("offline printed %q, want %q in it", out.String(), want)
		}
	}
	if !o.find(t, "orders", there).Enabled {
		t.Errorf("%s is offline, and nobody said so", there)
	}
	out.Reset()
	o.do("  online\t" + here + " ")
	if !o.find(t, "orders", here).Enabled || !strings.Contains(out.String(), "orders "+here+": online\n") {
		t.Errorf("online printed %q; enabled is %v, want true", out.String(), o.find(t, "orders", here).Enabled)
	}
}

func TestWeight(t *testing.T) {
	o, out := startOperator(t)
	o.do("weight " + there + " 2.5")
	if got := o.find(t, "orders", there).Weight; got != 2.5 || out.String() != "orders "+there+": weight 2.5\n" {
		t.Errorf("weight is %v and printed %q, want 2.5", got, out.String())
	}
}

func TestList(t *testing.T) {
	o, out := startOperator(t)
	o.do("offline " + there)
	for limit := time.Now().Add(10 * time.Second); o.find(t, "orders", there).Listed; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("listed 10 s after offline")
		}
	}
	out.Reset()
	o.do("list")
	want := `SERVICE      ADDR            CLUSTER  WEIGHT  STATE
G@@payments  10.0.0.1:9090   DEFAULT  1       listed
orders       10.0.0.1:9090   DEFAULT  1       listed
orders       [fd00::1]:9090  DEFAULT  1       offline
`
	if out.String() != want {
		t.Errorf("list printed\n%swant\n%s", out.String(), want)
	}
}

func TestState(t *testing.T) {
	for want, i := range map[string]nacostest.Instance{
		"listed":                {Enabled: true, Listed: true, Healthy: true},
		"not listed yet":        {Enabled: true, Healthy: true},
		"unhealthy":             {Enabled: true, Listed: true},
		"offline":               {Healthy: true},
		"offline, still listed": {Listed: true, Healthy: true},
	} {
		if got := state(i); got != want {
			t.Errorf("state(%+v) = %q, want %q", i, got, want)
		}
	}
}

func TestFreezeThawRestart(t *testing.T) {
	o, out := startOperator(t)
	for _, command := range []string{"freeze", "thaw", "restart", "list", "help", ""} {
		o.do(command)
	}
	if want := "frozen\nthawed\nrestarted\nnothing is registered\n" + help; out.String() != want {
		t.Errorf("the commands printed %q, want %q", out.String(), want)
	}
}

func TestBadCommands(t *testing.T) {
	o, out := startOperator(t)
	for line, want := range map[string]string{
		"stop":                     "stop: no such command; help",
		"OFFLINE " + here:          "OFFLINE: no such command",
		"offline":                  "offline: want offline ADDR\n",
		"offline orders " + here:   "offline: want offline ADDR\n",
		"offline 10.0.0.1":         `offline: address "10.0.0.1": want IP:PORT`,
		"online 10.0.0.9:9090":     "online: no service has an instance 10.0.0.9:9090; list",
		"weight " + here:           "weight: want weight ADDR N\n",
		"weight " + here + " much": `weight: weight "much" is no number from 0 to 10000`,
		"weight " + here + " NaN":  "is no number",
		"weight " + here + " -1":   "is no number",
		"weight " + here + " 1e9":  "is no number",
		"list orders":              "list: want list\n",
	} {
		out.Reset()
		o.do(line)
		if got := out.String(); !strings.Contains(got, want) || strings.Count(got, "\n") != 1 {
			t.Errorf("do(%q) printed %q, want one line with %q", line, got, want)
		}
	}
	if i := o.find(t, "orders", here); !i.Enabled || i.Weight != 1 {
		t.Errorf("bad commands changed %+v", i)
	}
}
