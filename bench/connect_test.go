// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

const (
	poll   = "/grpc.testing.TestService/EmptyCall"
	stream = "/grpc.testing.TestService/StreamingOutputCall"
)

// connectHandlers are a long poll and a stream without an end, of connect-go. Their calls are HTTP requests, so they
// ask the Tracker when to come to an end.
func connectHandlers(tracker *interceptor.Tracker) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(poll, connect.NewUnaryHandler(poll, func(ctx context.Context, _ *connect.Request[testpb.Empty]) (*connect.Response[testpb.Empty], error) {
		select {
		case <-tracker.Draining():
			return connect.NewResponse(&testpb.Empty{}), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}))
	mux.Handle(stream, connect.NewServerStreamHandler(stream,
		func(ctx context.Context, _ *connect.Request[testpb.StreamingOutputCallRequest], s *connect.ServerStream[testpb.StreamingOutputCallResponse]) error {
			if err := s.Send(&testpb.StreamingOutputCallResponse{}); err != nil {
				return err
			}
			select {
			case <-tracker.Draining():
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}))
	return tracker.Handler(mux)
}

// TestConnect: calls of connect-go come to a clean end when the server stops.
func TestConnect(t *testing.T) {
	var tracker interceptor.Tracker
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: connectHandlers(&tracker), Protocols: &protocols}
	manager := lifecycle.New(lifecycle.HTTPServer(server), lifecycle.WithCalls(&tracker), lifecycle.WithSettle(100*time.Millisecond),
		lifecycle.WithLogger(slog.New(slog.DiscardHandler)))
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- manager.Run(ctx, lis) }()

	var clear http.Protocols
	clear.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: &clear}}
	base := "http://" + lis.Addr().String()
	polled := make(chan error, 1)
	go func() {
		c := connect.NewClient[testpb.Empty, testpb.Empty](client, base+poll, connect.WithGRPC())
		_, err := c.CallUnary(t.Context(), connect.NewRequest(&testpb.Empty{}))
		polled <- err
	}()
	c := connect.NewClient[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse](client, base+stream, connect.WithGRPC())
	s, err := c.CallServerStream(t.Context(), connect.NewRequest(&testpb.StreamingOutputCallRequest{}))
	if err != nil || !s.Receive() {
		t.Fatalf("the stream does not begin: %v, %v", err, s.Err())
	}
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if unary, _ := tracker.InFlight(); unary == 2 {
			break
		}
		if time.Since(began) > 20*time.Second {
			t.Fatal("the calls are not in flight after 20 s")
		}
	}
	cancel()
	if s.Receive() || s.Err() != nil {
		t.Errorf("the stream ended with %v, want a clean end", s.Err())
	}
	if err := <-polled; err != nil {
		t.Errorf("the long poll ended with %v, want nil", err)
	}
	if err := <-result; err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}
