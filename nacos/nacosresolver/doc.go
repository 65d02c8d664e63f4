// SPDX-License-Identifier: Apache-2.0

// Package nacosresolver is the client side of a Nacos registry: a gRPC resolver that subscribes to a service and
// follows its list.
//
//	conn, err := grpc.NewClient("nacos:///orders?group=shop",
//		grpc.WithResolvers(nacosresolver.NewBuilder(nacosresolver.Config{Servers: []string{"10.0.0.1:8848"}})),
//		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
//		...)
//
// A target is nacos:///SERVICE with the optional parameters group (DEFAULT_GROUP), namespace (that of the Config) and
// cluster (all; several are separated by commas).
//
// Every instance that is healthy, enabled and has a weight above zero is an endpoint, to be used by whatever policy
// the channel has. Its weight, in hundredths, is attached as the endpoint weight of
// google.golang.org/grpc/experimental/balancer/weight.
//
// An empty list never reaches the channel: registries hand one out when they have been restarted, and addresses that
// may be gone are better than none. The last list stays, and one line is logged.
//
// The channels of one builder that follow the same service share one connection to the registry. It ends with the last
// of them; nothing stays behind: no goroutine, no socket, no file. No port is opened, so that lists come from the
// registry and from nobody else.
package nacosresolver
