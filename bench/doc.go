// SPDX-License-Identifier: Apache-2.0

// Package bench measures what lameduck costs a server, end to end: the same RPC with and without the interceptors, in
// one process and over loopback TCP. Its tests are what needs other modules: a Kratos application that is restarted, calls
// of connect-go, metrics that Prometheus pulls, the manifests of example/kubernetes. It is a module of its own, so that
// none of these becomes a dependency of the library.
//
//	go test -run '^$' -bench . -count 10 | tee new.txt
//
// Compare lines of one run only: on a shared machine absolute times are noise.
package bench
