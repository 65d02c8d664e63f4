// SPDX-License-Identifier: Apache-2.0

package nacosresolver

import (
	"cmp"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/experimental/balancer/weight"
	"google.golang.org/grpc/resolver"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// weightUnit is what a weight of 1 becomes: endpoint weights are whole numbers.
const weightUnit = 100

// callable is what the registry says of an instance: it may be called.
func callable(i sdk.Instance) bool { return i.Healthy && i.Enable && i.Weight > 0 }

func anyUsable(list []sdk.Instance) bool { return slices.ContainsFunc(list, callable) }

type place struct {
	ip      string
	port    uint64
	cluster string
}

// usable has the weight of each instance that may be called.
func usable(list []sdk.Instance) map[place]float64 {
	out := make(map[place]float64, len(list))
	for _, i := range list {
		if callable(i) {
			out[place{i.Ip, i.Port, cmp.Or(i.ClusterName, sdk.DefaultCluster)}] = i.Weight
		}
	}
	return out
}

// endpoints keeps the instances that are asked for and may be called, in the order of the list, each address once.
func (q query) endpoints(list []sdk.Instance) []resolver.Endpoint {
	var out []resolver.Endpoint
	seen := make(map[string]bool, len(list))
	for _, i := range list {
		addr := net.JoinHostPort(strings.Trim(i.Ip, "[]"), strconv.FormatUint(i.Port, 10))
		if !callable(i) || !q.wants(i.ClusterName) || seen[addr] {
			continue
		}
		seen[addr] = true
		out = append(out, weight.Set(
			resolver.Endpoint{Addresses: []resolver.Address{{Addr: addr}}},
			weight.EndpointInfo{Weight: hundredths(i.Weight)},
		))
	}
	return out
}

func hundredths(w float64) uint32 {
	return uint32(min(max(math.Round(w*weightUnit), 1), math.MaxUint32))
}

// same compares regardless of the order, which changes for no reason.
func same(a, b []resolver.Endpoint) bool {
	if len(a) != len(b) {
		return false
	}
	weights := make(map[string]weight.EndpointInfo, len(a))
	for _, e := range a {
		weights[e.Addresses[0].Addr] = weight.FromEndpoint(e)
	}
	return !slices.ContainsFunc(b, func(e resolver.Endpoint) bool {
		w, ok := weights[e.Addresses[0].Addr]
		return !ok || w != weight.FromEndpoint(e)
	})
}
