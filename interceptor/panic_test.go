// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
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
			_, _ = intercept(t.Context(), nil, unaryInfo, func(context.Context, any) (any, error) { panic(cause) })
		})
		if err, ok := value.(error); !ok || !errors.Is(err, cause) {
			t.Errorf("draining %v: panic value = %v, want the handler's error", drain, value)
		}
		wantInFlight(t, &tracker, 0, 0)
	}
}

// Two Trackers around one handler hand its panic on as it is.
func TestPanicIsWrappedOnce(t *testing.T) {
	inner, outer := Tracker{Abandonable: true}, Tracker{Abandonable: true}
	within, around := inner.UnaryServerInterceptor(), outer.UnaryServerInterceptor()
	value := panicOf(func() {
		_, _ = around(t.Context(), nil, unaryInfo, func(ctx context.Context, req any) (any, error) {
			return within(ctx, req, unaryInfo, func(context.Context, any) (any, error) { panic("boom") })
		})
	})
	if p, ok := value.(*HandlerPanic); !ok || p.Value != "boom" {
		t.Errorf("panic value = %v, want one HandlerPanic with the handler's value", value)
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
			_, err = intercept(t.Context(), nil, unaryInfo, func(context.Context, any) (any, error) {
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

func TestStreamPanicIsPassedOnAndCountedOut(t *testing.T) {
	var tracker Tracker
	intercept := tracker.StreamServerInterceptor()
	cause := errors.New("boom")
	value := panicOf(func() {
		_ = intercept(nil, &fakeStream{ctx: t.Context()}, streamInfo, func(any, grpc.ServerStream) error { panic(cause) })
	})
	p, ok := value.(*HandlerPanic)
	if !ok || p.Value != cause || !errors.Is(p, cause) {
		t.Errorf("panic value = %v (%T), want a *HandlerPanic of %v", value, value, cause)
	}
	wantInFlight(t, &tracker, 0, 0)
}

func TestStreamGoexitIsAnInternalError(t *testing.T) {
	var tracker Tracker
	intercept := tracker.StreamServerInterceptor()
	err := intercept(nil, &fakeStream{ctx: t.Context()}, streamInfo, func(any, grpc.ServerStream) error {
		runtime.Goexit()
		return nil
	})
	wantCode(t, "a handler that calls runtime.Goexit", err, codes.Internal)
	wantInFlight(t, &tracker, 0, 0)
}

func TestPanicAfterTheAnswerIsOnlyLogged(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	synctest.Test(t, func(t *testing.T) {
		var tracker Tracker
		_, lis := serve(t, &tracker, &backend{duplex: func(s duplexStream) error {
			_, _ = s.Recv()
			panic("too late")
		}})
		stream := open(t, dial(t, plain, lis))
		tracker.EndStreams(-1)
		_, err := stream.Recv()
		wantInfo(t, err, ReasonShuttingDown, false)
		synctest.Wait()
		if n := tracker.Abandoned(); n != 0 {
			t.Errorf("Abandoned() = %d, want 0", n)
		}
	})
	if line := log.String(); !strings.Contains(line, "too late") || !strings.Contains(line, "FullDuplexCall") {
		t.Errorf("log = %q, want the panic and the method", line)
	}
}

func TestHandlerPanicPrintsValueAndStack(t *testing.T) {
	var tracker Tracker
	tracker.Drain()
	intercept := tracker.UnaryServerInterceptor()
	value := panicOf(func() {
		_, _ = intercept(t.Context(), nil, unaryInfo, func(context.Context, any) (any, error) { return panicsDeepDown() })
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
