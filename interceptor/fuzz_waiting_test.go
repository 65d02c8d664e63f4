// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

type kind int

const (
	unaryCall kind = iota
	stream
	exemptStream
	httpRequest
	kinds
)

// waiting is an RPC whose handler waits to be let go.
type waiting struct {
	started    chan struct{}
	letGo      chan struct{}
	result     chan error
	detachable bool

	told   <-chan struct{} // once started
	isTold bool            // as it should be
}

func newWaiting(detachable bool) *waiting {
	return &waiting{started: make(chan struct{}), letGo: make(chan struct{}), result: make(chan error, 1), detachable: detachable}
}

func (w *waiting) handle(ctx context.Context) {
	w.told = Draining(ctx)
	close(w.started)
	<-w.letGo
}

func newModel(t *testing.T, abandonable bool) *model {
	m := &model{t: t}
	m.tracker.Abandonable = abandonable
	unary, streams := m.tracker.UnaryServerInterceptor(), m.tracker.StreamServerInterceptor()
	m.begin[unaryCall] = func(w *waiting) {
		_, err := unary(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/shop.Orders/Get"}, func(ctx context.Context, _ any) (any, error) {
			w.handle(ctx)
			return nil, nil
		})
		w.result <- err
	}
	overStream := func(method string) func(*waiting) {
		return func(w *waiting) {
			w.result <- streams(nil, &bareStream{}, &grpc.StreamServerInfo{FullMethod: method}, func(_ any, ss grpc.ServerStream) error {
				w.handle(ss.Context())
				return nil
			})
		}
	}
	m.begin[stream] = overStream("/shop.Orders/Watch")
	m.begin[exemptStream] = overStream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
	m.begin[httpRequest] = func(w *waiting) {
		answer := httptest.NewRecorder()
		m.tracker.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { w.handle(r.Context()) })).
			ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
		if answer.Code == http.StatusServiceUnavailable {
			w.result <- status.Error(codes.Unavailable, answer.Body.String())
			return
		}
		w.result <- nil
	}
	return m
}

// bareStream is a stream that nobody sends on.
type bareStream struct{ grpc.ServerStream }

func (*bareStream) Context() context.Context    { return context.Background() }
func (*bareStream) SetTrailer(metadata.MD)      {}
func (*bareStream) SetHeader(metadata.MD) error { return nil }
