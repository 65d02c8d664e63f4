// SPDX-License-Identifier: Apache-2.0

// Package nacostest is a Nacos naming server inside the test process. It speaks
// the Nacos 2.x naming protocol over gRPC to unmodified clients
// (nacos-sdk-go v2.3.5) and answers the open v1 instance list over HTTP, with
// the timing of real servers and with switches for what goes wrong on them.
//
//	registry := nacostest.Start(t)
//	// give registry.Addr() to the program under test
//	registry.SetEnabled("orders", "10.0.0.7:9090", false) // the console's "Offline"
//
// The server listens on loopback unless Options.Addr says otherwise, on a port N
// for HTTP and N+1000 for gRPC, because clients derive the second from the first.
// It keeps nothing on disk.
//
// # Services
//
// A service is named "orders" (group DEFAULT_GROUP, namespace public),
// "payments@@orders" (group payments) or "staging@@payments@@orders" (namespace
// staging).
//
// # What it imitates
//
// Behaviour is that of the official servers 2.5.1 and 3.0.3 in a standalone
// start, unless a comment says otherwise: a change is pushed 500 to 600 ms after
// the first of a burst, empty lists are pushed too, the end of a connection
// takes its registrations away, an operator's edit overrides what the client
// publishes and outlives it by 60 s. [NewCluster] adds nodes that hear of each
// other's changes a second later.
//
// # Faults
//
// What a client must survive, and what makes it happen:
//
//   - restart, outage, slow start: [Server.Restart], [Server.Kill],
//     [Server.Revive], [Server.ServeAfter]
//   - a list of others without us after a restart: [Server.SlowRegister]
//   - a frozen registry: [Server.Freeze], [Server.Thaw]
//   - connections broken or half-open: [Server.DropConnections]
//   - requests that fail in five ways: [Server.FailNext]
//   - a registration or a subscription lost, a list out of date, a clock that is
//     wrong, slow pushes: [Server.LoseRegistration], [Server.LoseSubscription],
//     [Server.StaleList], [Server.SkewClock], [Server.PushDelay]
//   - an operator's edits: [Server.SetEnabled], [Server.SetWeight],
//     [Server.SetMetadata]
//   - a second owner of an address: [Server.Publish]
//   - the copy that a dead node leaves: [NewCluster]
//   - news that arrive out of order: [Server.SyncDelay]
//   - a datagram that blinds a client of the SDK's: [SpoofEmptyList]
//   - authentication and TLS: [Options], [NewTLS]
//
// r-nacos 0.8.5 differs in what matters here by forgetting an operator's flag as
// soon as the instance is gone: set Options.EditMemory to a millisecond for that.
//
// All methods of [Server] may be called concurrently.
package nacostest
