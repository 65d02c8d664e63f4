// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// wantInfo checks that err is one of our own answers.
func wantInfo(t *testing.T, err error, reason string, retry bool) {
	t.Helper()
	wantCode(t, reason, err, codes.Unavailable)
	var info *errdetails.ErrorInfo
	var hasRetry bool
	for _, d := range status.Convert(err).Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			info = d
		case *errdetails.RetryInfo:
			hasRetry = true
			if d.GetRetryDelay().AsDuration() != 0 {
				t.Errorf("%v: RetryInfo delay = %v, want 0", err, d.GetRetryDelay())
			}
		}
	}
	if info.GetReason() != reason || info.GetDomain() != "github.com/lameduck-go/lameduck" {
		t.Errorf("%v: ErrorInfo = %v, want reason %s and the module's domain", err, info, reason)
	}
	if hasRetry != retry {
		t.Errorf("%v: has RetryInfo = %v, want %v", err, hasRetry, retry)
	}
}

func TestRefusalWithoutRetryPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tracker Tracker
		_, lis := serve(t, &tracker, &backend{})
		client := dial(t, plain, lis)
		tracker.Refuse()
		var header, trailer metadata.MD
		_, err := client.EmptyCall(t.Context(), &testpb.Empty{}, grpc.Header(&header), grpc.Trailer(&trailer))
		wantInfo(t, err, ReasonShuttingDown, true)
		if len(header) != 0 {
			t.Errorf("header = %v, want none: trailers only", header)
		}
		if got := trailer.Get("grpc-retry-pushback-ms"); len(got) != 1 || got[0] != "0" {
			t.Errorf("pushback = %v, want [0]", got)
		}
		wantCounts(t, &tracker, 0, 0, 1)

		stream, err := client.FullDuplexCall(t.Context())
		if err != nil {
			t.Fatalf("FullDuplexCall() = %v", err)
		}
		_, err = stream.Recv()
		wantInfo(t, err, ReasonShuttingDown, true)
		if got := stream.Trailer().Get("grpc-retry-pushback-ms"); len(got) != 1 || got[0] != "0" {
			t.Errorf("pushback of a stream = %v, want [0]", got)
		}
		wantCounts(t, &tracker, 0, 0, 2)
	})
}

// A client with a retry policy takes the other backend at once, not after its own backoff of a second.
func TestRefusalIsRetriedAtOnceElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leaving, staying Tracker
		_, leavingLis := serve(t, &leaving, &backend{})
		_, stayingLis := serve(t, &staying, &backend{})
		client := dial(t, retrying, leavingLis, stayingLis)
		for leaving.Admitted() == 0 || staying.Admitted() == 0 { // both are connected
			_, err := client.EmptyCall(t.Context(), &testpb.Empty{})
			wantCode(t, "EmptyCall()", err, codes.OK)
			time.Sleep(time.Millisecond)
		}
		leaving.Refuse()
		start := time.Now()
		for range 20 {
			_, err := client.EmptyCall(t.Context(), &testpb.Empty{})
			wantCode(t, "EmptyCall() with one of two refusing", err, codes.OK)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("20 calls took %v of fake time, want 0: retried at once", took)
		}
		if got := leaving.Refused(); got < 5 {
			t.Errorf("Refused() = %d, want at least 5 of 20", got)
		}
	})
}

func TestTrackerOfTwoServersCountsBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tracker Tracker
		_, one := serve(t, &tracker, &backend{duplex: receiving})
		_, two := serve(t, &tracker, &backend{duplex: receiving})
		streams := []clientStream{open(t, dial(t, plain, one)), open(t, dial(t, plain, two))}
		wantInFlight(t, &tracker, 0, 2)
		if n := tracker.EndStreams(-1); n != 2 {
			t.Errorf("EndStreams(-1) = %d, want 2", n)
		}
		for _, stream := range streams {
			_, err := stream.Recv()
			wantInfo(t, err, ReasonShuttingDown, false)
		}
	})
}
