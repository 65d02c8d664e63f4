// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"slices"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

func TestOthers(t *testing.T) {
	self := sdk.Instance{Ip: "10.0.0.7", Port: 9090, ClusterName: "DEFAULT"}
	peer := func(ip string, change ...func(*sdk.Instance)) sdk.Instance {
		i := sdk.Instance{Ip: ip, Port: 9090, ClusterName: "DEFAULT", Enable: true, Healthy: true, Weight: 1}
		for _, f := range change {
			f(&i)
		}
		return i
	}
	began := time.Now()
	at := func(n int) time.Time { return began.Add(time.Duration(n) * time.Second) }
	old, next := Other{"10.0.0.8:9090", true, time.Time{}}, "10.0.0.9:9090"
	var o others
	for n, step := range []struct {
		name string
		list []sdk.Instance
		want []Other
	}{
		{"the first list", []sdk.Instance{self, peer("10.0.0.8")}, []Other{old}},
		{"a new one", []sdk.Instance{self, peer("10.0.0.8"), peer("10.0.0.9")}, []Other{old, {next, true, at(1)}}},
		{"without us", []sdk.Instance{peer("10.0.0.8"), peer("10.0.0.9")}, []Other{old, {next, true, at(1)}}},
		{
			"unhealthy",
			[]sdk.Instance{peer("10.0.0.8"), peer("10.0.0.9", func(i *sdk.Instance) { i.Healthy = false })},
			[]Other{old, {next, false, at(1)}},
		},
		{"healthy again", []sdk.Instance{peer("10.0.0.8"), peer("10.0.0.9")}, []Other{old, {next, true, at(4)}}},
		{"gone", []sdk.Instance{peer("10.0.0.8")}, []Other{old}},
		{"back", []sdk.Instance{peer("10.0.0.8"), peer("10.0.0.9")}, []Other{old, {next, true, at(6)}}},
		{"without weight, disabled", []sdk.Instance{
			peer("10.0.0.8", func(i *sdk.Instance) { i.Weight = 0 }),
			peer("10.0.0.9", func(i *sdk.Instance) { i.Enable = false }),
		}, []Other{{old.Addr, false, time.Time{}}, {next, false, at(6)}}},
		{"twice, in another cluster", []sdk.Instance{
			peer("10.0.0.8", func(i *sdk.Instance) { i.Weight = 0 }), peer("10.0.0.8"),
			peer("10.0.0.9", func(i *sdk.Instance) { i.ClusterName = "east" }),
		}, []Other{{old.Addr, true, at(8)}}},
	} {
		o.update(step.list, self, at(n))
		r := &Registrar{others: o}
		got := r.Others()
		equal := len(got) == len(step.want)
		for k := range got {
			equal = equal && got[k].Addr == step.want[k].Addr && got[k].Usable == step.want[k].Usable && got[k].Since.Equal(step.want[k].Since)
		}
		if !equal {
			t.Errorf("%s: Others() = %+v, want %+v", step.name, got, step.want)
		}
	}
}

func TestOthersKeepTheirAgesOverANewConnection(t *testing.T) {
	simulate(t, func(t *testing.T, p *party) {
		peer := sdk.Instance{Ip: "10.0.0.8", Port: 9090, ClusterName: "DEFAULT", Enable: true, Healthy: true, Weight: 1}
		p.register()
		if got := p.Others(); len(got) != 0 {
			t.Errorf("Others() = %+v, want none", got)
		}
		p.registry.set(func() { p.registry.others = append(p.registry.others, peer) })
		time.Sleep(pushDelay)
		want := []Other{{"10.0.0.8:9090", true, time.Now()}}
		time.Sleep(time.Hour)
		p.registry.spoof(peer) // without us: the view is broken, and replaced
		time.Sleep(time.Minute)
		if n := p.connections(); n != 2 {
			t.Errorf("%d connections were made, want 2", n)
		}
		if got := p.Others(); !slices.Equal(got, want) {
			t.Errorf("Others() = %+v, want %+v", got, want)
		}
	})
}
