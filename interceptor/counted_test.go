// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"io"
	"runtime"
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

// Streams are refused or counted, never both and never neither, while the flag goes up and down.
func TestStreamRefusedOrCounted(t *testing.T) {
	const callers, calls = 4, 2_000
	var tracker Tracker
	intercept := tracker.StreamServerInterceptor()
	var mu sync.Mutex
	var down, wrong bool
	ran := 0
	handler := func(any, grpc.ServerStream) error {
		mu.Lock()
		defer mu.Unlock()
		ran++
		wrong = wrong || down
		return io.EOF
	}
	setDown := func(d bool) { mu.Lock(); down = d; mu.Unlock() }
	var group sync.WaitGroup
	turnedAway := make([]int, callers)
	for c := range callers {
		group.Go(func() {
			for range calls {
				if err := intercept(nil, &fakeStream{ctx: t.Context()}, streamInfo, handler); err != io.EOF {
					turnedAway[c]++
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	for !isClosed(done) {
		tracker.Refuse()
		for _, streams := tracker.InFlight(); streams != 0; _, streams = tracker.InFlight() {
			runtime.Gosched()
		}
		setDown(true)
		runtime.Gosched()
		setDown(false)
		tracker.Resume()
		runtime.Gosched()
	}
	refused := 0
	for _, n := range turnedAway {
		refused += n
	}
	if wrong {
		t.Error("a stream handler ran after the flag was set and no stream in flight was seen")
	}
	wantCounts(t, &tracker, uint64(ran), 0, uint64(refused))
	if ran+refused != callers*calls {
		t.Errorf("%d ran and %d were refused, want %d in all", ran, refused, callers*calls)
	}
}
