// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
)

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
		if n := tracker.AbandonCalls(); n != 1 {
			t.Errorf("AbandonCalls() = %d, want 1, the late one", n)
		}
		synctest.Wait()
		wantInFlight(t, &tracker, 1, 0)
		if n := tracker.Abandoned(); n != 1 {
			t.Errorf("Abandoned() = %d, want 1", n)
		}
		if n := tracker.AbandonCalls(); n != 0 {
			t.Errorf("second AbandonCalls() = %d, want 0", n)
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
	if got := tracker.AbandonCalls(); got != n {
		t.Errorf("AbandonCalls() = %d, want %d", got, n)
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
		tracker.AbandonCalls()
		time.Sleep(500 * time.Millisecond)
		if !isClosed(stopped) {
			t.Error("GracefulStop() waits for an abandoned handler")
		}
		wantInfo(t, <-answer, ReasonHandlerAbandoned, false)
	})
}
