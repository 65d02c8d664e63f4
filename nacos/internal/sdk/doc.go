// SPDX-License-Identifier: Apache-2.0

// Package sdk is the one place that knows how nacos-sdk-go has to be set up and what it does wrong.
//
// What it works around in v2.3.5:
//
//   - its calls take no context and may answer (false, nil): [Client] runs them on goroutines of its own, one at a time
//   - a subscription that the server refuses returns nil and stays silent
//   - log.Fatalf on a key pair that cannot be loaded, silence on a CA file that cannot be read: [Prepare] looks first
//   - without a CA file its HTTP side verifies no certificate, and it makes a transport per request
//   - a login answer of an unexpected shape is a panic, a refused one is only logged
//   - its map of clients is locked when a client is made and not when one is closed
//   - it writes a log file and a cache beside the program
//
// What nothing can be done about: every client opens a UDP port on all interfaces (54951 to 55950) and keeps it, with
// the goroutine PushReceiver.handleClient, until the process ends (nacos-sdk-go#733); a reconnect is a data race inside
// the SDK (nacos-sdk-go#905, mended by nacos-sdk-go#887, which is in no release).
package sdk
