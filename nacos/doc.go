// SPDX-License-Identifier: Apache-2.0

// Package nacos registers an instance with Nacos, takes it out again so that the absence is seen and not only
// accepted, and tells an operator's offline from all other reasons why an instance may be missing from a list.
//
//	registrar, err := nacos.New(
//		nacos.Config{Servers: []string{"10.0.0.1:8848"}},
//		nacos.Instance{Service: "orders"},
//	)
//
// A [Registrar] is one instance with a connection of its own. It fits the Registrar interface of package lifecycle,
// and can be used without it.
//
// It speaks to Nacos 2.x and 3.x and to r-nacos by nacos-sdk-go v2.3.5, whose faults it works around. Two cannot be:
// the SDK opens a UDP port (54951 to 55950) on all interfaces that anybody can send a list to, so close it in the
// firewall (a forged list can delay us, but neither drain nor stop the instance); and its logger belongs to the
// whole process, see Config.Logger.
package nacos
