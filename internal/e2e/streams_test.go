// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// TestClientsThatReopenTheirStreamsAtOnce: told before GOAWAY is out, pick_first clients would open their streams on the
// draining server again, thousands of times a second. Told after it, they open them elsewhere.
func TestClientsThatReopenTheirStreamsAtOnce(t *testing.T) {
	t.Parallel()
	const clients = 30
	old := startServer(t, nil, nil, quick(lifecycle.WithSettle(300*time.Millisecond))...)
	other := startServer(t, nil, nil, quick()...)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for range clients {
		addresses := manual.NewBuilderWithScheme("test")
		addresses.InitialState(resolver.State{Endpoints: []resolver.Endpoint{
			{Addresses: []resolver.Address{{Addr: old.addr}}}, {Addresses: []resolver.Address{{Addr: other.addr}}},
		}})
		conn, err := grpc.NewClient("test:///", grpc.WithResolvers(addresses), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() {
			defer conn.Close()
			for ctx.Err() == nil {
				stream, err := testpb.NewTestServiceClient(conn).StreamingInputCall(ctx)
				if err != nil {
					t.Errorf("StreamingInputCall() = %v, want nil", err)
					return
				}
				err = stream.RecvMsg(&testpb.StreamingInputCallResponse{})
				if ctx.Err() == nil && !errors.Is(err, io.EOF) && status.Code(err) != codes.Internal {
					// A client stream that ends without its one reply is INTERNAL for the client; a cut one is UNAVAILABLE.
					t.Errorf("RecvMsg() = %v, want the end that the handler made", err)
				}
			}
		})
	}
	old.await(t, "streaming", func() bool { return old.Status().Calls.Streams == clients })
	old.stop()
	if err := old.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	if opened := old.opened.Load(); opened > 2*clients {
		t.Errorf("%d streams were opened on the draining server by %d clients, want at most two each", opened, clients)
	}
	other.await(t, "streaming", func() bool { return other.Status().Calls.Streams == clients })
}

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
	reason := ""
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			reason = info.GetReason()
		}
	}
	if status.Code(err) != codes.Unavailable || reason != interceptor.ReasonShuttingDown {
		t.Errorf("Recv() = %v with reason %q, want UNAVAILABLE with %s", err, reason, interceptor.ReasonShuttingDown)
	}
	began := time.Now()
	if err := i.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("Run returned %v after its last stream, want at once", took)
	}
}
