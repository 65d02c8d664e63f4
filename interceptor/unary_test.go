// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

func TestAnswerCallsLeavesServingCallsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tracker Tracker
		gate := make(chan struct{})
		_, lis := serve(t, &tracker, &backend{unary: func(context.Context) error { <-gate; return nil }})
		client := dial(t, retrying, lis)
		errs := make([]error, 2)
		var calls sync.WaitGroup
		for i := range errs {
			calls.Go(func() { _, errs[i] = client.EmptyCall(t.Context(), &testpb.Empty{}) })
			synctest.Wait()
			tracker.Drain()
		}
		tracker.Refuse()
		if n := tracker.AnswerCalls(); n != 1 {
			t.Errorf("AnswerCalls() = %d, want 1, the late one", n)
		}
		synctest.Wait()
		wantInFlight(t, &tracker, 1, 0)
		if n := tracker.Abandoned(); n != 1 {
			t.Errorf("Abandoned() = %d, want 1", n)
		}
		if n := tracker.AnswerCalls(); n != 0 {
			t.Errorf("second AnswerCalls() = %d, want 0", n)
		}
		close(gate)
		calls.Wait()
		synctest.Wait()
		wantCode(t, "the call from before Drain()", errs[0], codes.OK)
		wantCode(t, "the late call", errs[1], codes.Unavailable)
		wantInfo(t, errs[1], ReasonHandlerAbandoned, false)
		wantCounts(t, &tracker, 2, 1, 0) // an abandoned call is not retried
		if n := tracker.Abandoned(); n != 0 {
			t.Errorf("Abandoned() after the handler = %d, want 0", n)
		}
	})
}

// The handler touches all that grpc gives it while the interceptor answers for it.
func TestAbandonedHandlerMayUseItsContext(t *testing.T) {
	tracker := Tracker{Abandonable: true}
	started, ended := make(chan struct{}, 64), make(chan struct{}, 64)
	_, lis := serve(t, &tracker, &backend{unary: func(ctx context.Context) error {
		started <- struct{}{}
		for i := range 10_000 {
			_ = grpc.SetHeader(ctx, metadata.Pairs("h", "1"))
			_ = grpc.SetTrailer(ctx, metadata.Pairs("t", "1"))
			if i == 5_000 {
				_ = grpc.SendHeader(ctx, nil)
			}
			if ctx.Err() != nil {
				break
			}
		}
		<-ctx.Done()
		_ = grpc.SetHeader(ctx, metadata.Pairs("late", "1"))
		_ = grpc.SetTrailer(ctx, metadata.Pairs("late", "1"))
		ended <- struct{}{}
		return errors.New("nobody hears this")
	}})
	client := dial(t, plain, lis)
	var calls sync.WaitGroup
	const n = 20
	for range n {
		calls.Go(func() {
			_, err := client.EmptyCall(t.Context(), &testpb.Empty{})
			wantCode(t, "abandoned EmptyCall()", err, codes.Unavailable)
		})
	}
	for range n {
		<-started
	}
	if got := tracker.AnswerCalls(); got != n {
		t.Errorf("AnswerCalls() = %d, want %d", got, n)
	}
	calls.Wait()
	for range n {
		<-ended
	}
}

func TestGracefulStopSendsTheAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := Tracker{Abandonable: true}
		gate := make(chan struct{})
		defer close(gate)
		srv, lis := serve(t, &tracker, &backend{unary: func(context.Context) error { <-gate; return nil }})
		client := dial(t, plain, lis)
		answer := make(chan error, 1)
		go func() { _, err := client.EmptyCall(t.Context(), &testpb.Empty{}); answer <- err }()
		synctest.Wait()
		stopped := make(chan struct{})
		go func() { srv.GracefulStop(); close(stopped) }()
		time.Sleep(time.Minute)
		if isClosed(stopped) {
			t.Error("GracefulStop() returned while a call was in flight")
		}
		tracker.Refuse()
		tracker.AnswerCalls()
		time.Sleep(500 * time.Millisecond)
		if !isClosed(stopped) {
			t.Error("GracefulStop() waits for an abandoned handler")
		}
		wantInfo(t, <-answer, ReasonHandlerAbandoned, false)
	})
}

func TestUnaryPanicIsCountedOut(t *testing.T) {
	for _, drain := range []bool{false, true} {
		var tracker Tracker
		if drain {
			tracker.Drain()
		}
		intercept := tracker.UnaryServerInterceptor()
		cause := errors.New("boom")
		value := panicOf(func() {
			_, _ = intercept(t.Context(), nil, benchInfo, func(context.Context, any) (any, error) { panic(cause) })
		})
		if err, ok := value.(error); !ok || !errors.Is(err, cause) {
			t.Errorf("draining %v: panic value = %v, want the handler's error", drain, value)
		}
		wantInFlight(t, &tracker, 0, 0)
	}
}

func TestUnaryGoexitIsCountedOut(t *testing.T) {
	for _, drain := range []bool{false, true} {
		var tracker Tracker
		if drain {
			tracker.Drain()
		}
		intercept := tracker.UnaryServerInterceptor()
		var err error
		var caller sync.WaitGroup
		caller.Go(func() {
			_, err = intercept(t.Context(), nil, benchInfo, func(context.Context, any) (any, error) {
				runtime.Goexit()
				return nil, nil
			})
		})
		caller.Wait()
		wantInFlight(t, &tracker, 0, 0)
		if drain {
			wantCode(t, "a late call that ends its goroutine", err, codes.Internal)
		}
	}
}

func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

func TestHandlerPanicPrintsValueAndStack(t *testing.T) {
	var tracker Tracker
	tracker.Drain()
	intercept := tracker.UnaryServerInterceptor()
	value := panicOf(func() {
		_, _ = intercept(t.Context(), nil, benchInfo, func(context.Context, any) (any, error) { return panicsDeepDown() })
	})
	p, ok := value.(*HandlerPanic)
	if !ok {
		t.Fatalf("panic value is a %T, want *HandlerPanic", value)
	}
	if p.Value != "a string" || p.Unwrap() != nil {
		t.Errorf("Value, Unwrap() = %v, %v, want a string, nil", p.Value, p.Unwrap())
	}
	if text := p.Error(); !strings.Contains(text, "a string") || !strings.Contains(text, "panicsDeepDown") {
		t.Errorf("Error() = %q, want the value and the function that panicked", text)
	}
}

func panicsDeepDown() (any, error) { panic("a string") }
