// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"net"
	"time"
)

// Server is what the Manager starts and stops: a *grpc.Server fits as it is.
//
// Serve blocks until the server is stopped and returns nil when it was stopped by GracefulStop or Stop.
// GracefulStop refuses new connections, tells the connected clients to go (GOAWAY) and returns when their calls
// have ended. Stop cuts what is left. Either may hang in a handler that does not return: the Manager waits for
// them within its budget and no longer.
type Server interface {
	Serve(net.Listener) error
	GracefulStop()
	Stop()
}

// Calls counts the RPCs of the servers and controls them. *interceptor.Tracker implements it and documents the methods.
// All of them are safe for concurrent use, return at once, and do not call the Manager, which may hold its lock.
//
// Calls may have further methods:
//
//	Attached() bool              whether any server has the interceptors; false is an error of Run and Start
//	Handles(context.Context) bool  whether it is the context of an RPC that is waited for
//	Callers() []Caller           who has sent the late calls since Drain was called last, the busiest first
//	Oldest(n int) ([]RPC, int)   the oldest n RPCs in flight, and how many more have no name
type Calls interface {
	InFlight() (unary, streams int)
	Admitted() uint64
	Late() uint64
	Refused() uint64
	Drain()
	TellStreams()
	EndStreams(n int) int
	AbandonCalls() int
	Refuse()
	Resume()
}

type attacher interface{ Attached() bool }

type handler interface{ Handles(context.Context) bool }

// Health is the health service as far as an offline needs it; *health.Server of this module implements it and documents
// the methods. CloseTraffic, Drain and Shutdown each withdraw more than the one before: what balancers that pull ask
// for, then what Check says, then what Watch says.
//
// The health server of grpc-go does not fit, on purpose: its Resume turns every status to SERVING, also those that the
// program had set otherwise, and its Watch streams cannot be ended (grpc-go v1.85.0). The methods return at once and do
// not call the Manager, which holds its lock, so that state and health change in one step.
type Health interface {
	CloseTraffic()
	Drain()
	Shutdown()
	Resume()
	SetReady(ready bool)
	EndWatches()
}

// Registrar puts the instance into one registry or balancer and takes it out again.
//
// Package registrartest tests an implementation: each promise below has a subtest there.
//
// The Manager calls Register and Deregister one at a time, and any other method beside them. Both must honour ctx; a call
// that does not is abandoned when the budget says so, and named in the Report. What was given up does not happen later: after
// a Register whose ctx has ended, a Deregister that returns nil is the last word, and the other way round. Deregister may
// come without a Register before it, and Close while another method has not returned. Once all have returned, no goroutine
// is left.
//
// A Registrar may have further methods. Those without a context return at once, also while another one waits for the
// registry; only Close may take its time:
//
//	Settle() time.Duration                      how long after a confirmed absence other consumers may still learn of it;
//	                                            asked once, by New
//	Watch(ctx, func(online bool)) error         reports what an operator does to the instance
//	Others() []Other                            the other instances of the service, as our own view has them; nil while
//	                                            nothing is known, and not nil where there are none
//	Close() error                               gives up the connection to the registry; called once, at the very end
//	String() string                             the name in logs, Status and Report
//	Gone(ctx) error                             nil when nobody hands out lists with the instance; an error names who does, or
//	                                            has Unproven() bool true; asked after Deregister, when settle is nearly over
//	Failure() error                             why the Register under way has not succeeded yet; nil when nothing is wrong
//	Published() string                          under what address consumers may know the instance; empty when nothing was
//	                                            published since the last confirmed absence
//
// Errors of Register may have further methods. Permanent() bool: trying again is no use, and the error is one of Run
// and Start. InUse() bool: the Registrar is somebody else's already, and neither Deregister nor Close is called.
//
// Panics are not recovered.
//
// Watch blocks until ctx ends and calls the function in order, from one goroutine: with how the registry holds the
// instance when Watch begins and after each Register that has returned nil, and at each change that an operator made;
// what they do between Deregister and Register is not heard. The same may be told again, and what the function is too slow
// for may be skipped, but not the last. It never reports an absence that it cannot attribute to an operator. The Manager
// begins Watch once Register has returned nil. What an operator did before a Deregister is told before that returns, which
// means that the function has returned: settle counts from the last absence. An offline that is not attributed to them by
// then is not told any more.
type Registrar interface {
	// Register announces the instance that listens on addr. It returns nil when the registry shows the instance, or
	// when an operator holds it offline.
	Register(ctx context.Context, addr net.Addr) error
	// Deregister takes the instance out. It returns nil when the registry has confirmed the absence, and keeps it out
	// until Register or Close. To the Manager every error means that the absence is not confirmed; for people one may
	// say more by the methods Unconfirmed() bool (it was asked, but the absence was not seen) and Refused() bool (the
	// registry said no).
	Deregister(ctx context.Context) error
}

// Other is another instance of the service that a registrar lists: of the same service, group and cluster. It is an
// alias, so that a registrar can have the method Others without importing this package.
//
// A news of one instance and a news of another travel by two ways. Since says how long ours has had this one: others
// have it too when that is as long as settle.
type Other = struct {
	Addr   string    // HOST:PORT
	Usable bool      // consumers send it traffic: enabled, healthy, with a weight above zero
	Since  time.Time // when our own view began to list it as usable; zero: it was there in the first list that we had
}

type settler interface{ Settle() time.Duration }

// otherser returns at once, and nil while nothing is known. A new connection to the registry keeps the ages.
type otherser interface{ Others() []Other }

type watcher interface {
	Watch(ctx context.Context, changed func(online bool)) error
}

type closer interface{ Close() error }

// prover must honour ctx.
type prover interface {
	Gone(ctx context.Context) error
}

// failing returns at once, and does not call the Manager.
type failing interface{ Failure() error }

// publisher returns at once.
type publisher interface{ Published() string }
