// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"

	middleware "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"google.golang.org/grpc"
)

// StreamServerInterceptor returns the interceptor for streams. It must be the outermost one, for the
// reasons given at UnaryServerInterceptor. The handler runs on a goroutine of its own, so that
// EndStreams can answer while it sits in Recv; a panic in it reaches the interceptors around as a
// [*HandlerPanic], and runtime.Goexit as an INTERNAL error.
func (t *Tracker) StreamServerInterceptor() grpc.StreamServerInterceptor {
	t.attached.Store(true)
	refusal, ending := refusal(), ending()
	exempt := t.Exempt
	return func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		var d *detached
		switch {
		case health(info.FullMethod):
			return handler(srv, ss) // the health service ends its Watches itself
		case standard(info.FullMethod) || exempt != nil && matches(ss.Context(), exempt, info.FullMethod, info, nil):
			d = t.beginExempt(ss.Context(), info.FullMethod)
		default:
			if d = t.begin(ss.Context(), &t.streams, info.FullMethod); d == nil {
				t.refused.Add(1)
				return refusal.stream(ss)
			}
		}
		ctx := context.WithValue(ss.Context(), rpcKey{}, d)
		wrapped := &middleware.WrappedServerStream{ServerStream: ss, WrappedContext: ctx}
		t.run(d, func() (any, error) { return nil, handler(srv, wrapped) })
		if d.cut {
			return ending.stream(ss)
		}
		_, err := d.result()
		return err
	}
}

// rpcKey is the key of the *detached in the context of an RPC that has one.
type rpcKey struct{}

// Draining returns the channel that closes when the stream whose context this is should come to an
// end: on TellStreams, at once when that has happened before the stream began. The handler decides
// what a good end is; EndStreams follows. It is nil, and so never ready, for unary calls, health
// Watches, and contexts of other origin: every unary call would pay for it with an allocation. A unary
// or HTTP handler that waits for long asks the Tracker instead, by its method of the same name.
func Draining(ctx context.Context) <-chan struct{} {
	d, _ := ctx.Value(rpcKey{}).(*detached)
	if d == nil || d.roster == &d.tracker.calls {
		return nil
	}
	return d.told
}

// Draining returns the channel that the next TellStreams closes; it is closed when that has happened already. After
// Resume it returns a new one. It is for everybody: for unary handlers, HTTP handlers and those of other RPC
// frameworks that wait for something (a long poll), and for code that is no handler. What waits for it returns when the
// server stops, instead of holding the stop until the budget ends.
func (t *Tracker) Draining() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.channel()
}

// channel is made on demand, so that the zero Tracker works. The caller holds mu.
func (t *Tracker) channel() chan struct{} {
	if t.told == nil {
		t.told = make(chan struct{})
	}
	return t.told
}

// Handles reports whether ctx is that of an RPC which the Tracker would wait for: a stream, or a unary call that can be
// answered in the place of its handler, so one admitted while draining or, with Abandonable, any. Other unary calls
// cannot be told from outside.
func (t *Tracker) Handles(ctx context.Context) bool {
	d, _ := ctx.Value(rpcKey{}).(*detached)
	return d != nil && d.tracker == t
}

// TellStreams closes the Draining channels. Streams that begin later find theirs closed, until Resume.
// Call it once GracefulStop has begun: before that, clients that re-open at once come back to this
// server.
func (t *Tracker) TellStreams() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.isTold {
		close(t.channel())
		t.isTold = true
	}
}

// EndStreams makes at most n open streams return UNAVAILABLE with ErrorInfo [ReasonShuttingDown] now,
// the oldest first, wherever their handlers are. It returns how many. n < 0 means all, and the exempt
// ones too, which are not in the result: an open reflection stream would hold GracefulStop as well.
// Because the server has taken part in them, the trailer grpc-retry-pushback-ms: -1 keeps clients from
// replaying them; opening a new one is up to the caller.
//
// A handler finds its context cancelled, and Recv and Send fail. In grpc-go 1.85 that is free of
// races whatever it is calling, Send, Recv, SetHeader and SetTrailer included, except
// grpc.SetSendCompressor, and except for a server with binary logging. What it returns is dropped; a
// panic is logged.
func (t *Tracker) EndStreams(n int) int {
	if n < 0 {
		t.cut(&t.exempt, n)
	}
	return t.cut(&t.streams, n)
}
