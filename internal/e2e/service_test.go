// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/interceptor"
)

type testService struct {
	testpb.UnimplementedTestServiceServer
	*instance
}

// beginnings is a stats.Handler that counts what begins.
type beginnings struct{ *instance }

func (beginnings) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (beginnings) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (beginnings) HandleConn(context.Context, stats.ConnStats)                       {}

func (b beginnings) HandleRPC(_ context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.Begin); ok {
		b.begun.Add(1)
	}
}

// UnaryCall ignores its context, and answers with as much as was asked for.
func (s testService) UnaryCall(_ context.Context, req *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	if req.GetFillUsername() {
		<-s.release
	}
	if req.GetFillOauthScope() {
		s.lock.Lock()
		defer s.lock.Unlock()
	}
	return &testpb.SimpleResponse{Payload: &testpb.Payload{Body: make([]byte, req.GetResponseSize())}}, nil
}

// StreamingOutputCall sends without an end, and heeds nothing but its own sends.
func (s testService) StreamingOutputCall(_ *testpb.StreamingOutputCallRequest, stream testpb.TestService_StreamingOutputCallServer) error {
	for {
		if err := stream.Send(&testpb.StreamingOutputCallResponse{Payload: &testpb.Payload{Body: make([]byte, 16<<10)}}); err != nil {
			return err
		}
	}
}

// errMoved is how a handler ends that was told.
var errMoved = status.Error(codes.Aborted, "moved")

// StreamingInputCall goes on until it is told.
func (s testService) StreamingInputCall(stream testpb.TestService_StreamingInputCallServer) error {
	s.opened.add(stream.Context())
	select {
	case <-interceptor.Draining(stream.Context()):
		return errMoved
	case <-stream.Context().Done():
		return context.Cause(stream.Context())
	}
}

// FullDuplexCall sits in Recv.
func (s testService) FullDuplexCall(stream testpb.TestService_FullDuplexCallServer) error {
	s.opened.add(stream.Context())
	for {
		if _, err := stream.Recv(); err != nil {
			return err
		}
	}
}

func (s testService) EmptyCall(ctx context.Context, _ *testpb.Empty) (*testpb.Empty, error) {
	select {
	case d := <-s.slow:
		time.Sleep(d)
	default:
	}
	return &testpb.Empty{}, nil
}
