// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// FuzzPushback ends streams whose handlers have set a pushback trailer of their own before: whatever it says, no client
// repeats a stream that the server has taken part in, although its retry policy would.
func FuzzPushback(f *testing.F) {
	const policy = `{"methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":4,"initialBackoff":"0.001s","maxBackoff":"0.001s","backoffMultiplier":1,"retryableStatusCodes":["UNAVAILABLE"]}}]}`
	for _, value := range []string{"0", "300", "-1", "", "soon", "99999999999999999999", "0,0"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, b := range []byte(value) {
			if b < ' ' || b > '~' {
				return // no metadata value
			}
		}
		var tracker Tracker
		var ran atomic.Int64
		_, lis := serve(t, &tracker, &backend{duplex: func(s duplexStream) error {
			ran.Add(1)
			s.SetTrailer(metadata.Pairs("grpc-retry-pushback-ms", value))
			tracker.EndStreams(-1)
			<-s.Context().Done()
			return nil
		}})
		stream, err := dial(t, policy, lis).FullDuplexCall(t.Context())
		if err != nil {
			t.Fatalf("FullDuplexCall() = %v, want nil", err)
		}
		if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
			t.Errorf("Recv() = %v, want UNAVAILABLE", err)
		}
		if got := ran.Load(); got != 1 {
			t.Errorf("the handler ran %d times with its own pushback %q, want once", got, value)
		}
	})
}
