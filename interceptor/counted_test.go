// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/selector"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
)

func TestUnaryIsCountedThroughDrainAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tracker Tracker
		gate := make(chan struct{})
		_, lis := serve(t, &tracker, &backend{unary: func(ctx context.Context) error {
			if ch := Draining(ctx); ch != nil {
				t.Error("Draining(ctx) in a unary handler is a channel, want nil")
			}
			<-gate
			return nil
		}})
		client := dial(t, plain, lis)
		var calls sync.WaitGroup
		call := func() {
			calls.Go(func() {
				_, err := client.EmptyCall(t.Context(), &testpb.Empty{})
				wantCode(t, "EmptyCall()", err, codes.OK)
			})
			synctest.Wait()
		}
		wantCounts(t, &tracker, 0, 0, 0)
		call()
		wantCounts(t, &tracker, 1, 0, 0)
		tracker.Drain()
		tracker.Drain()
		call()
		wantCounts(t, &tracker, 2, 1, 0)
		tracker.Resume()
		call()
		wantCounts(t, &tracker, 3, 1, 0)
		tracker.Drain()
		call()
		wantCounts(t, &tracker, 4, 2, 0)
		wantInFlight(t, &tracker, 4, 0)
		close(gate)
		calls.Wait()
		synctest.Wait()
		wantInFlight(t, &tracker, 0, 0)
		wantCounts(t, &tracker, 4, 2, 0)
	})
}

func TestRefuseLetsUnaryInFlightEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tracker Tracker
		gate := make(chan struct{})
		_, lis := serve(t, &tracker, &backend{unary: func(context.Context) error { <-gate; return nil }})
		client := dial(t, plain, lis)
		first := make(chan error)
		go func() { _, err := client.EmptyCall(t.Context(), &testpb.Empty{}); first <- err }()
		synctest.Wait()
		tracker.Refuse()
		_, err := client.EmptyCall(t.Context(), &testpb.Empty{})
		wantCode(t, "EmptyCall() after Refuse()", err, codes.Unavailable)
		wantInFlight(t, &tracker, 1, 0)
		wantCounts(t, &tracker, 1, 0, 1)
		close(gate)
		wantCode(t, "EmptyCall() from before Refuse()", <-first, codes.OK)
		tracker.Resume()
		_, err = client.EmptyCall(t.Context(), &testpb.Empty{})
		wantCode(t, "EmptyCall() after Resume()", err, codes.OK)
		wantCounts(t, &tracker, 2, 0, 1)
	})
}

func TestExemptIsNeitherCountedNorRefused(t *testing.T) {
	tracker := Tracker{Exempt: selector.MatchFunc(func(_ context.Context, call interceptors.CallMeta) bool {
		return call.FullMethod() == "/shop.v1.Orders/Ping"
	})}
	unary, stream := tracker.UnaryServerInterceptor(), tracker.StreamServerInterceptor()
	for method, exempt := range map[string]bool{
		"/shop.v1.Orders/Ping":                                           true,
		"/shop.v1.Orders/Get":                                            false,
		"/grpc.health.v1.Health/Check":                                   true,
		"/grpc.health.v1.Health/Watch":                                   true,
		"/grpc.health.v1.Health/List":                                    true,
		"/grpc.health.v1.HealthStatus/Check":                             false,
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      true,
		"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": true,
		"/grpc.reflection.v1.ServerReflectionX/ServerReflectionInfo":     false,
		"/grpc.testing.TestService/EmptyCall":                            false,
		"/shop.grpc.health.v1.Health/Check":                              false,
	} {
		tracker.Refuse()
		before := tracker.Refused()
		_, unaryErr := unary(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: method},
			func(context.Context, any) (any, error) { return nil, nil })
		streamErr := stream(nil, &fakeStream{ctx: t.Context()}, &grpc.StreamServerInfo{FullMethod: method},
			func(any, grpc.ServerStream) error { return nil })
		if got := unaryErr == nil; got != exempt {
			t.Errorf("%s: unary call served = %v, want %v", method, got, exempt)
		}
		if got := streamErr == nil; got != exempt {
			t.Errorf("%s: stream served = %v, want %v", method, got, exempt)
		}
		tracker.Resume()
		if got := tracker.Refused() == before && tracker.Admitted() == 0; got != exempt {
			t.Errorf("%s: not counted = %v, want %v", method, got, exempt)
		}
		if exempt {
			tracker.Drain()
			_, _ = unary(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: method}, func(context.Context, any) (any, error) { return nil, nil })
			_ = stream(nil, &fakeStream{ctx: t.Context()}, &grpc.StreamServerInfo{FullMethod: method}, func(any, grpc.ServerStream) error { return nil })
			if got := tracker.Late(); got != 0 {
				t.Errorf("%s: Late() = %d, want 0", method, got)
			}
			tracker.Resume()
		}
	}
}

// The matcher is told all that there is to know of an RPC.
func TestExemptIsAskedWithTheCall(t *testing.T) {
	var asked []interceptors.CallMeta
	tracker := Tracker{Exempt: selector.MatchFunc(func(_ context.Context, call interceptors.CallMeta) bool {
		asked = append(asked, call)
		return true
	})}
	_, _ = tracker.UnaryServerInterceptor()(t.Context(), "request", &grpc.UnaryServerInfo{FullMethod: "/shop.v1.Orders/Get"},
		func(context.Context, any) (any, error) { return nil, nil })
	_ = tracker.StreamServerInterceptor()(nil, &fakeStream{ctx: t.Context()}, streamInfo, func(any, grpc.ServerStream) error { return nil })
	if len(asked) != 2 || asked[0].ReqOrNil != "request" || asked[0].Typ != interceptors.Unary || asked[1].Typ != interceptors.ServerStream {
		t.Errorf("asked with %+v, want the request of the call, and the kind of the stream", asked)
	}
}

// A handler on a goroutine of its own answers as any other.
func TestAnswerOfADetachedCall(t *testing.T) {
	for name, tracker := range map[string]*Tracker{"late": {}, "abandonable": {Abandonable: true}} {
		if name == "late" {
			tracker.Drain()
		}
		resp, err := tracker.UnaryServerInterceptor()(t.Context(), "request", &grpc.UnaryServerInfo{FullMethod: "/shop.v1.Orders/Get"},
			func(_ context.Context, req any) (any, error) { return req, io.EOF })
		if resp != "request" || err != io.EOF {
			t.Errorf("%s: the interceptor returned %v, %v, want what the handler returned", name, resp, err)
		}
		if got := tracker.Late() == 1; got != (name == "late") {
			t.Errorf("%s: Late() = %d", name, tracker.Late())
		}
	}
}

// fakeStream is a ServerStream for handlers that do not use it.
type fakeStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (f *fakeStream) Context() context.Context { return f.ctx }
func (f *fakeStream) SetTrailer(metadata.MD)   {}

var streamInfo = &grpc.StreamServerInfo{FullMethod: "/shop.v1.Orders/Watch", IsServerStream: true}
