// SPDX-License-Identifier: Apache-2.0

// Package haproxy takes an instance out of a HAProxy and puts it back, so that the absence is seen and not only
// accepted. It has two parts:
//
//	registrar, err := haproxy.New(haproxy.Config{
//		Backend: "grpc", Server: "s1", Addresses: []string{"unix:/run/haproxy/admin.sock"},
//	})
//
// A [Registrar] drains its server over the runtime API, keeps it drained, and tells what operators do there. It fits
// the Registrar interface of package lifecycle, and can be used without it. Whoever has the admin socket owns the whole
// balancer: it is for a HAProxy that is yours.
//
// HAProxy does not wait for Register: a server gets calls as soon as its check succeeds, or at once without a check. What
// an instance needs before it may be called, it needs before it listens.
//
// An [Agent] is asked by HAProxy (agent-check) and says "up" or "down". It needs no rights at the balancer.
//
// What is said here of HAProxy was seen on 2.6.12, the one of Debian 12. docs/balancers.md has what to set there, what
// never, and the other balancers.
package haproxy
