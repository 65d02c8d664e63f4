// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/selector"
	"google.golang.org/grpc"
)

// Tracker counts the RPCs of a server and takes part in its offline. The zero value is ready and
// serving. All methods may be called at any time from any goroutine, and none of them waits for an
// RPC. A Tracker must not be copied after first use.
//
// A Tracker given to two servers counts and stops the RPCs of both as if they were one.
type Tracker struct {
	// Exempt names RPCs that are neither counted nor refused, in addition to the standard health
	// and reflection services, which always are. Nil adds none. Streams among them are told, and
	// ended by EndStreams of all, but for health Watches, which health.Server ends. Exempt is asked
	// once for each RPC, before anything else, so it should be quick. Set it before the
	// interceptors are made.
	Exempt selector.Matcher

	// Abandonable lets AbandonCalls answer every unary call. False, the default, means only those
	// admitted while draining: a call admitted before runs on the goroutine that grpc gave it, and
	// such a call cannot be answered before its handler returns. True runs every unary handler on
	// a goroutine of its own, which costs about a microsecond and eight allocations a call; worth
	// it where handlers may outlive the offline's budget, above all behind a proxy: HAProxy (2.6)
	// makes clients run a call again whose connection was cut before it was answered. Set it before
	// the interceptors are made.
	Abandonable bool

	// Caller names who has sent an RPC, for Callers and Oldest: behind a mesh or a balancer the peer of a connection
	// is the proxy, and a header may know more. It is called while draining only: for each late RPC before its handler,
	// and by Oldest for those from before. It may be called from several goroutines at once, and must return at once;
	// an empty name, and a panic, leave it to the default. Nil is the default: the first URI of
	// the peer's certificate (a SPIFFE ID for example), else the peer's host. Names are cut to 128 printable bytes.
	// Set it before the interceptors are made.
	Caller func(ctx context.Context) string

	callers  callers
	naming   chan struct{} // of Oldest; guarded by mu
	word     word
	refused  atomic.Uint64
	attached atomic.Bool

	mu        sync.Mutex // guards what follows, and setting and clearing of the flags in word
	told      chan struct{}
	isTold    bool
	late      uint64
	abandoned int
	streams   roster
	exempt    roster // streams
	calls     roster
}

// ServerOptions returns both interceptors as chained ones. Put them before all other options:
//
//	grpc.NewServer(append(tracker.ServerOptions(), opts...)...)
func (t *Tracker) ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(t.UnaryServerInterceptor()),
		grpc.ChainStreamInterceptor(t.StreamServerInterceptor()),
	}
}

// Attached reports whether somebody has asked for an interceptor or a Handler: without them the Tracker sees nothing.
func (t *Tracker) Attached() bool { return t.attached.Load() }

// InFlight returns how many RPCs were admitted and have not been answered yet. An RPC is counted out
// when its handler returns, panics, or is cut off by EndStreams or AbandonCalls; its answer may then
// still be on its way to the client, and only grpc's GracefulStop knows when it has left. A unary call
// that is being refused may be seen for an instant.
//
// Once Refuse has returned and InFlight has shown 0, 0, no RPC is admitted until Resume.
func (t *Tracker) InFlight() (unary, streams int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return inFlight(t.word.load()), t.streams.open.Len()
}

// Admitted returns how many RPCs were admitted, late ones included. It grows by one for each, so
// two equal answers mean that none was admitted between them. Unary calls count modulo 2^38. A unary
// call that is being refused may be seen for an instant.
func (t *Tracker) Admitted() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return admitted(t.word.load()) + t.streams.begun
}

// Late returns how many RPCs were admitted while draining, over all offlines.
func (t *Tracker) Late() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.late
}

// Refused returns how many RPCs were refused. They are not among the admitted.
func (t *Tracker) Refused() uint64 { return t.refused.Load() }

// Drain makes the server a lame duck: what is admitted from now on is late, and served. Callers begins anew.
func (t *Tracker) Drain() {
	t.callers.reset()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.word.set(draining)
}

// Refuse sets the shutdown flag: from now on RPCs that are not exempt are answered UNAVAILABLE with
// ErrorInfo [ReasonShuttingDown], RetryInfo and the trailer grpc-retry-pushback-ms: 0, without a
// response header, so that a client with a retry policy repeats them at once. RPCs in flight go on.
func (t *Tracker) Refuse() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.word.set(refusing)
}

// Resume goes back to serving: it undoes Drain and Refuse, and TellStreams for those that begin or
// ask from now on. Streams already told stay told.
func (t *Tracker) Resume() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.word.clear(refusing | draining)
	if t.isTold {
		t.told, t.isTold = nil, false
	}
}
