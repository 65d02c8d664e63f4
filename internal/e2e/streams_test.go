// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/interceptor"
)

// TestStreamThatIsEndedSaysWhy: UNAVAILABLE with ErrorInfo, and no bare transport error.
func TestStreamThatIsEndedSaysWhy(t *testing.T) {
	t.Parallel()
	i := startServer(t, nil, nil, quick()...)
	i.endsStream(t, i.dial(t))
}

// endsStream stops the instance with a stream of conn that nobody ends.
func (i *instance) endsStream(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	stream, err := testpb.NewTestServiceClient(conn).FullDuplexCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i.await(t, "streaming", func() bool { return i.Status().Calls.Streams == 1 })
	i.stop()
	_, err = stream.Recv()
	if status.Code(err) != codes.Unavailable || reason(err) != interceptor.ReasonShuttingDown {
		t.Errorf("Recv() = %v with reason %q, want UNAVAILABLE with %s", err, reason(err), interceptor.ReasonShuttingDown)
	}
	began := time.Now()
	if err := i.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("Run returned %v after its last stream, want at once", took)
	}
}

// reason returns what the ErrorInfo of err says, or nothing.
func reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}
