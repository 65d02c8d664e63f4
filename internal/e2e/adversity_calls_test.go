// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/lifecycle"
)

func stuckUnary(t *testing.T, i *instance) {
	go testpb.NewTestServiceClient(i.dial(t)).UnaryCall(context.Background(), &testpb.SimpleRequest{FillUsername: true})
	i.await(t, "calling", func() bool { return i.Status().Calls.Unary == 1 })
}

func lockedUnary(t *testing.T, i *instance) {
	i.lock.Lock()
	t.Cleanup(i.lock.Unlock)
	go testpb.NewTestServiceClient(i.dial(t)).UnaryCall(context.Background(), &testpb.SimpleRequest{FillOauthScope: true})
	i.await(t, "calling", func() bool { return i.Status().Calls.Unary == 1 })
}

// lateStuckUnary is a call that comes while the instance drains: such a call can be answered in the place of its
// handler, and the client hears that it may have happened.
func lateStuckUnary(t *testing.T, i *instance) {
	if err := i.Drain(t.Context(), lifecycle.DrainLast()); err != nil {
		t.Fatal(err)
	}
	answer := make(chan error, 1)
	client := testpb.NewTestServiceClient(i.dial(t))
	go func() {
		_, err := client.UnaryCall(context.Background(), &testpb.SimpleRequest{FillUsername: true})
		answer <- err
	}()
	i.await(t, "calling", func() bool { return i.Status().Calls.Unary == 1 })
	t.Cleanup(func() {
		if err := <-answer; status.Code(err) != codes.Unavailable || len(status.Convert(err).Details()) == 0 {
			t.Errorf("UnaryCall() = %v, want UNAVAILABLE with ErrorInfo, and no bare transport error", err)
		}
	})
}

func stuckRecv(t *testing.T, i *instance) {
	if _, err := testpb.NewTestServiceClient(i.dial(t)).FullDuplexCall(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.await(t, "streaming", func() bool { return i.Status().Calls.Streams == 1 })
}

// stuckSend opens a stream and reads nothing of it. It can be ended, but its status waits behind the data that the
// client does not read: only Stop gets rid of it.
func stuckSend(t *testing.T, i *instance) {
	if _, err := testpb.NewTestServiceClient(i.dial(t)).StreamingOutputCall(t.Context(), &testpb.StreamingOutputCallRequest{}); err != nil {
		t.Fatal(err)
	}
	i.await(t, "streaming", func() bool { return i.Status().Calls.Streams == 1 })
}

func watch(t *testing.T, i *instance) {
	stream, err := healthpb.NewHealthClient(i.dial(t)).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
}

// reflect is a tool that was left open; what it asks does not count as traffic.
func reflect(t *testing.T, i *instance) {
	stream, err := reflectionpb.NewServerReflectionClient(i.dial(t)).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list := &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(list); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
}

// slowUpload begins a unary call and never sends its message: the interceptors do not see it, GracefulStop does.
func slowUpload(t *testing.T, i *instance) {
	stream, err := i.dial(t).NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, testpb.TestService_UnaryCall_FullMethodName)
	if err != nil {
		t.Fatal(err)
	}
	_ = stream
	i.await(t, "begun", func() bool { return i.begun.Load() == 1 })
}

// slowReader asks for a reply that fits no window, by a stream so that it can leave it unread.
func slowReader(t *testing.T, i *instance) {
	stream, err := i.dial(t).NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, testpb.TestService_UnaryCall_FullMethodName)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SendMsg(&testpb.SimpleRequest{ResponseSize: 32 << 20}); err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Header(); err != nil {
		t.Fatal(err)
	}
}
