// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"

	"google.golang.org/grpc"
)

// UnaryServerInterceptor returns the interceptor for unary calls. It must be the outermost one, or
// what the others set before it (a response header) keeps clients from retrying a refused call, and
// their work is not counted.
//
// While serving, the handler runs on the caller's goroutine. While draining, or with Abandonable, it
// runs on one of its own; a panic there reaches the interceptors around as a [*HandlerPanic].
func (t *Tracker) UnaryServerInterceptor() grpc.UnaryServerInterceptor {
	t.attached.Store(true)
	u := &unary{Tracker: t, refusal: refusal(), abandonment: abandonment()}
	exempt, plain := t.Exempt, !t.Abandonable
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		if standard(info.FullMethod) || exempt != nil && matches(ctx, exempt, info.FullMethod, nil, req) {
			return handler(ctx, req)
		}
		bits := t.word.enter()
		if bits&(refusing|draining) == 0 && plain {
			defer t.word.leave()
			return handler(ctx, req)
		}
		if bits&refusing != 0 {
			return nil, u.refuse(ctx)
		}
		return u.detach(ctx, req, info, handler)
	}
}

// AbandonCalls answers the unary calls in flight that can be abandoned (see Abandonable) UNAVAILABLE
// with ErrorInfo [ReasonHandlerAbandoned] and the trailer grpc-retry-pushback-ms: -1: it is not known
// whether they happened, so no client may repeat them by itself. It returns how many. Call it after
// Refuse, and keep GracefulStop going until the answers have left; Stop cuts them off.
//
// The handlers go on with a cancelled context. What they return is dropped; a panic is logged.
func (t *Tracker) AbandonCalls() int { return t.cut(&t.calls, -1) }

// unary is what the interceptor needs off the serving path.
type unary struct {
	*Tracker
	refusal, abandonment answer
}

// refuse answers a call that word.enter has counted in.
func (u *unary) refuse(ctx context.Context) error {
	u.word.backOut()
	u.refused.Add(1)
	return u.refusal.unary(ctx)
}

// detach goes on with a call that word.enter has counted in.
func (u *unary) detach(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	d := u.begin(ctx, &u.calls, info.FullMethod)
	if d == nil {
		return nil, u.refuse(ctx)
	}
	defer u.word.leave()
	ctx = context.WithValue(ctx, rpcKey{}, d)
	u.run(d, func() (any, error) { return handler(ctx, req) })
	if d.cut {
		return nil, u.abandonment.unary(ctx)
	}
	return d.result()
}
