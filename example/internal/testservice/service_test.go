// SPDX-License-Identifier: Apache-2.0

package testservice

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/interceptor"
)

// serve returns a client of a Service on a loopback port, and the server's tracker.
func serve(t *testing.T, work Work) (testgrpc.TestServiceClient, *interceptor.Tracker) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testgrpc.RegisterTestServiceServer(srv, New(work))
	served := make(chan error, 1)
	go func() { served <- srv.Serve(lis) }()
	conn, err := grpc.NewClient("passthrough:///"+lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		srv.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
	})
	return testgrpc.NewTestServiceClient(conn), &tracker
}

func timeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestUnary(t *testing.T) {
	client, _ := serve(t, Work{})
	ctx := timeout(t)
	if _, err := client.EmptyCall(ctx, &testgrpc.Empty{}); err != nil {
		t.Errorf("EmptyCall() = %v, want nil", err)
	}
	for _, size := range []int32{0, 100, MaxResponse} {
		reply, err := client.UnaryCall(ctx, &testgrpc.SimpleRequest{ResponseSize: size})
		if err != nil || len(reply.GetPayload().GetBody()) != int(size) {
			t.Errorf("UnaryCall(%d) = %d bytes, %v, want %[1]d, nil", size, len(reply.GetPayload().GetBody()), err)
		}
	}
	for _, size := range []int32{-1, MaxResponse + 1} {
		if _, err := client.UnaryCall(ctx, &testgrpc.SimpleRequest{ResponseSize: size}); status.Code(err) != codes.InvalidArgument {
			t.Errorf("UnaryCall(%d) = %v, want InvalidArgument", size, err)
		}
	}
}

func TestWorkEndsWithTheCall(t *testing.T) {
	client, _ := serve(t, Work{time.Hour, time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.EmptyCall(ctx, &testgrpc.Empty{}); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("EmptyCall() = %v, want DeadlineExceeded", err)
	}
}

func TestStreamingOutputCallWithAnEnd(t *testing.T) {
	client, _ := serve(t, Work{})
	stream, err := client.StreamingOutputCall(timeout(t), &testgrpc.StreamingOutputCallRequest{
		ResponseParameters: []*testgrpc.ResponseParameters{{Size: 3}, {Size: 5, IntervalUs: 100}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{3, 5} {
		reply, err := stream.Recv()
		if err != nil || len(reply.GetPayload().GetBody()) != want {
			t.Fatalf("Recv() = %d bytes, %v, want %d, nil", len(reply.GetPayload().GetBody()), err, want)
		}
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("Recv() = %v, want EOF", err)
	}
}

func TestStreamsEndCleanlyWhenTold(t *testing.T) {
	client, tracker := serve(t, Work{})
	ctx := timeout(t)
	output, err := client.StreamingOutputCall(ctx, &testgrpc.StreamingOutputCallRequest{})
	if err != nil {
		t.Fatal(err)
	}
	duplex, err := client.FullDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := output.Recv(); err != nil {
			t.Fatalf("Recv() of StreamingOutputCall = %v, want nil", err)
		}
		if err := duplex.Send(&testgrpc.StreamingOutputCallRequest{Payload: &testgrpc.Payload{Body: []byte("ping")}}); err != nil {
			t.Fatalf("Send() = %v, want nil", err)
		}
		if reply, err := duplex.Recv(); err != nil || string(reply.GetPayload().GetBody()) != "ping" {
			t.Fatalf("Recv() of FullDuplexCall = %v, %v, want ping, nil", reply, err)
		}
	}
	tracker.TellStreams()
	if _, err := duplex.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("Recv() of FullDuplexCall after TellStreams() = %v, want EOF", err)
	}
	for err == nil {
		_, err = output.Recv()
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("Recv() of StreamingOutputCall after TellStreams() = %v, want EOF", err)
	}
}

func TestFullDuplexCallEndsWithItsClient(t *testing.T) {
	client, _ := serve(t, Work{})
	stream, err := client.FullDuplexCall(timeout(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&testgrpc.StreamingOutputCallRequest{ResponseParameters: []*testgrpc.ResponseParameters{{Size: 1}, {Size: 2}}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 2} {
		if reply, err := stream.Recv(); err != nil || len(reply.GetPayload().GetBody()) != want {
			t.Errorf("Recv() = %v, %v, want %d bytes, nil", reply, err, want)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("Recv() after CloseSend() = %v, want EOF", err)
	}
}
