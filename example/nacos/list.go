// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// list prints every instance of every service.
func (o *operator) list() error {
	services := o.registry.Services()
	if len(services) == 0 {
		return o.say("nothing is registered\n")
	}
	table := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SERVICE\tADDR\tCLUSTER\tWEIGHT\tSTATE")
	for _, service := range services {
		for _, i := range o.registry.Instances(service) {
			fmt.Fprintf(table, "%s\t%s\t%s\t%g\t%s\n", service, i.Addr(), i.Cluster, i.Weight, state(i))
		}
	}
	return table.Flush()
}

// state says what lists make of an instance; a list follows a change by the push delay.
func state(i nacostest.Instance) string {
	switch {
	case !i.Enabled && i.Listed:
		return "offline, still listed"
	case !i.Enabled:
		return "offline"
	case !i.Listed:
		return "not listed yet"
	case !i.Healthy:
		return "unhealthy"
	}
	return "listed"
}
