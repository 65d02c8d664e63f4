// SPDX-License-Identifier: Apache-2.0

// Package interceptor counts the RPCs of a gRPC server and, when the server goes offline, tells,
// ends, answers or refuses them.
//
// One call matters; put its options first, so that its interceptors are outermost:
//
//	var tracker interceptor.Tracker
//	srv := grpc.NewServer(append(tracker.ServerOptions(), opts...)...)
//
// A grpc.UnaryInterceptor or grpc.StreamInterceptor among the other options runs before ours all
// the same: grpc-go puts the plain one in front of every chained one.
//
// # The life of an RPC
//
//	                       serving        draining        shutdown flag set
//	                     (or Resume)      (Drain)             (Refuse)
//	                          |               |                   |
//	exempt (health, ...) -----+---------------+-------------------+-----> handler, never counted
//	any other RPC ----------> |               |                   |
//	                      admitted      admitted, late         refused: UNAVAILABLE
//	                          |               |                   SHUTTING_DOWN, pushback 0
//	                          v               v
//	                      in flight: the handler runs ------------------> its own answer
//	                          |               |
//	                 TellStreams: the channel of Draining(ctx) closes, the handler decides
//	                          |               |
//	                 EndStreams: oldest first --------------------------> UNAVAILABLE
//	                          |               |                           SHUTTING_DOWN, pushback -1
//	                 AbandonCalls: unary calls that can be abandoned ----> UNAVAILABLE
//	                                                                      HANDLER_ABANDONED, pushback -1
//
// Refusing is losing: grpc clients do not repeat an answered RPC by themselves, only one that a
// GOAWAY turned away. A lossless offline therefore counts late RPCs and serves them, lets
// GracefulStop do the refusing, and sets the shutdown flag at the very end, if at all.
//
// # Cost
//
// While the instance serves, a unary call costs one atomic addition on its way in and one on its way
// out, on one word; no clock, no lock, no allocation. While it drains, or with Abandonable, a unary
// call takes a mutex and a goroutine of its own, and so does every stream at any time: to answer or to
// end what sits in its handler means returning without it.
package interceptor
