// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"cmp"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Instance is one published address as the server sees it: what the client
// registered, overridden by what an operator edited.
type Instance struct {
	IP       string
	Port     int
	Cluster  string // "DEFAULT" unless the client named one
	Weight   float64
	Healthy  bool
	Enabled  bool // false: hidden from every list, as by the console's "Offline"
	Metadata map[string]string

	// Listed tells whether the open list and a new subscriber show the instance
	// at this moment. It follows a change by the push delay.
	Listed bool
	// Owners is the number of connections that publish the instance.
	Owners int
}

// Addr returns "IP:PORT".
func (i Instance) Addr() string { return net.JoinHostPort(i.IP, strconv.Itoa(i.Port)) }

// placeKey is what the official servers attach an operator's edit to.
type placeKey struct {
	addr, cluster string
}

func (i Instance) place() placeKey { return placeKey{addr: i.Addr(), cluster: i.Cluster} }

func (i Instance) clone() Instance {
	i.Metadata = maps.Clone(i.Metadata)
	return i
}

func compareInstances(a, b Instance) int {
	return cmp.Or(strings.Compare(a.IP, b.IP), cmp.Compare(a.Port, b.Port), strings.Compare(a.Cluster, b.Cluster))
}

// sameInstance compares what lists carry.
func sameInstance(a, b Instance) bool {
	return a.IP == b.IP && a.Port == b.Port && a.Cluster == b.Cluster && a.Weight == b.Weight &&
		a.Healthy == b.Healthy && a.Enabled == b.Enabled && maps.Equal(a.Metadata, b.Metadata)
}

// inClusters filters by a comma-separated list of clusters; "" is all of them.
func inClusters(list []Instance, clusters string) []Instance {
	if clusters == "" {
		return list
	}
	wanted := strings.Split(clusters, ",")
	var out []Instance
	for _, i := range list {
		if slices.Contains(wanted, i.Cluster) {
			out = append(out, i)
		}
	}
	return out
}
