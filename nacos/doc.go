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
// It speaks to Nacos 2.x and 3.x and to r-nacos by the gRPC client of nacos-sdk-go v2.3.5, without the SDK's naming
// client: no UDP port is opened, so that lists come from the registry alone, nothing is written to disk, and nothing is
// left of a connection that was closed. The SDK's logger belongs to the whole process, see Config.Logger.
package nacos
