// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// Other is another instance of the same service, group and cluster, as our own subscription lists it. It is an alias,
// and the same type as lifecycle.Other.
type Other = struct {
	Addr   string    // HOST:PORT
	Usable bool      // consumers send it traffic: enabled, healthy, with a weight above zero
	Since  time.Time // when our view began to list it as usable; zero: it was there in the first list that we had
}

// Others returns the other instances, sorted by address; nil while no list has come. It returns at once. A new
// connection keeps the ages, and after Deregister the view goes on until Close.
func (r *Registrar) Others() []Other {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.others.known == nil {
		return nil
	}
	list := slices.AppendSeq([]Other{}, maps.Values(r.others.known))
	slices.SortFunc(list, func(a, b Other) int { return cmp.Compare(a.Addr, b.Addr) })
	return list
}

// others is who else is listed, by address. Its zero value has had no list.
type others struct{ known map[string]Other }

// update takes a list. Who was not usable before is new to consumers.
func (o *others) update(list []sdk.Instance, self sdk.Instance, now time.Time) {
	before, first := o.known, o.known == nil
	o.known = map[string]Other{}
	for _, i := range list {
		if i.Port == self.Port && sameHost(i.Ip, self.Ip) || !sameCluster(i, self) {
			continue
		}
		other := Other{Addr: hostPort(i), Usable: i.Enable && i.Healthy && i.Weight > 0}
		old, known := before[other.Addr]
		switch {
		case known && (old.Usable || !other.Usable):
			other.Since = old.Since
		case !first:
			other.Since = now
		}
		if twin, ok := o.known[other.Addr]; !ok || !twin.Usable { // an address may be listed twice
			o.known[other.Addr] = other
		}
	}
}

func sameCluster(i, self sdk.Instance) bool {
	return i.ClusterName == self.ClusterName || i.ClusterName == "" && self.ClusterName == sdk.DefaultCluster
}
