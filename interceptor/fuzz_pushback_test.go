// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// eager repeats what is UNAVAILABLE, nearly at once.
const eager = `{"methodConfig": [{"name": [{}], "retryPolicy": {
	"maxAttempts": 4, "initialBackoff": "0.001s", "maxBackoff": "0.001s", "backoffMultiplier": 1,
	"retryableStatusCodes": ["UNAVAILABLE"]}}]}`

// attempts makes one RPC of a client with a retry policy, by a server whose handler calls answer once it runs, and
// returns how many times that was. setTrailer sets a trailer of the RPC; the handler may wait for the end of ctx.
func attempts(t *testing.T, streaming bool, answer func(ctx context.Context, tracker *Tracker, setTrailer func(metadata.MD)) error) (ran int64) {
	t.Helper()
	tracker := Tracker{Abandonable: true}
	var count atomic.Int64
	_, lis := serve(t, &tracker, &backend{
		unary: func(ctx context.Context) error {
			count.Add(1)
			return answer(ctx, &tracker, func(md metadata.MD) { _ = grpc.SetTrailer(ctx, md) })
		},
		duplex: func(s duplexStream) error {
			count.Add(1)
			return answer(s.Context(), &tracker, s.SetTrailer)
		},
	})
	client := dial(t, eager, lis)
	if !streaming {
		_, err := client.EmptyCall(t.Context(), &testpb.Empty{})
		wantCode(t, "EmptyCall()", err, codes.Unavailable)
		return count.Load()
	}
	stream, err := client.FullDuplexCall(t.Context())
	if err != nil {
		t.Fatalf("FullDuplexCall() = %v, want nil", err)
	}
	_, err = stream.Recv()
	wantCode(t, "Recv()", err, codes.Unavailable)
	return count.Load()
}

// TestWhatHandlersAnswerIsRepeated is the control of FuzzPushback: the policy does repeat.
func TestWhatHandlersAnswerIsRepeated(t *testing.T) {
	for _, streaming := range []bool{false, true} {
		ran := attempts(t, streaming, func(context.Context, *Tracker, func(metadata.MD)) error {
			return status.Error(codes.Unavailable, "by the handler")
		})
		if ran != 4 {
			t.Errorf("streaming %t: the handler ran %d times, want all 4 attempts", streaming, ran)
		}
	}
}

// FuzzPushback ends RPCs whose handlers may have set a pushback trailer of their own before: whatever it says, no
// client repeats what the server has taken part in, although its retry policy would.
func FuzzPushback(f *testing.F) {
	for _, value := range []string{"0", "300", "-1", "", "soon", "99999999999999999999", "0,0"} {
		f.Add(true, true, value)
		f.Add(false, true, value)
	}
	f.Add(true, false, "")
	f.Add(false, false, "")
	f.Fuzz(func(t *testing.T, streaming, set bool, value string) {
		for _, b := range []byte(value) {
			if b < ' ' || b > '~' {
				return // no metadata value
			}
		}
		ran := attempts(t, streaming, func(ctx context.Context, tracker *Tracker, setTrailer func(metadata.MD)) error {
			if set {
				setTrailer(metadata.Pairs("grpc-retry-pushback-ms", value))
			}
			if tracker.AbandonCalls()+tracker.EndStreams(-1) != 1 {
				t.Errorf("the RPC was not there to be ended")
			}
			<-ctx.Done()
			return nil
		})
		if ran != 1 {
			t.Errorf("streaming %t: the handler ran %d times with its own pushback %q (set: %t), want once", streaming, ran, value, set)
		}
	})
}
