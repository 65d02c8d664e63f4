// SPDX-License-Identifier: Apache-2.0

// Package sdk is the one place that knows how nacos-sdk-go has to be set up and what it does wrong. It takes the SDK's
// gRPC client, its login and its choice of servers, and leaves its naming client out. "The Nacos SDK" in
// CONTRIBUTING.md says why, and when that need not be any more.
//
// What it works around in v2.3.5:
//
//   - its calls take no context: [Client] runs them on goroutines of its own, one at a time
//   - log.Fatalf on a key pair that cannot be loaded, silence on a CA file that cannot be read: [Prepare] looks first
//   - without a CA file its HTTP side verifies no certificate, and it makes a transport per request
//   - a login answer of an unexpected shape is a panic, a refused one is only logged
//   - its map of clients is locked when a client is made and not when one is closed
//   - a request without a connection reads the state of the client without a lock (nacos-sdk-go#908)
//   - an address server's first answer makes it connect twice at once
//   - a connect that is under way when a client is closed makes a new connection all the same
//   - it writes a log file beside the program
//
// What nothing can be done about: a reconnect is a data race inside the SDK (nacos-sdk-go#905, mended by
// nacos-sdk-go#887, which is in no release).
package sdk
