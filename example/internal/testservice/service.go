// SPDX-License-Identifier: Apache-2.0

// Package testservice is the service that the example programs serve:
// grpc.testing.TestService, whose messages come with grpc-go.
package testservice

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
)

// MaxResponse is the largest payload that a request may ask for, in bytes. It leaves room for the
// message around it under the 4 MiB that a grpc-go client accepts unless told otherwise.
const MaxResponse = 4<<20 - 1<<10

// Service implements EmptyCall, UnaryCall, StreamingOutputCall and FullDuplexCall; the other methods
// of TestService answer UNIMPLEMENTED. It is safe for concurrent use.
type Service struct {
	testgrpc.UnimplementedTestServiceServer
	work Work
}

// New returns a Service whose unary handlers take as long as work says. Streams do not wait.
func New(work Work) *Service {
	return &Service{work: work}
}

// EmptyCall waits and answers with nothing.
func (s *Service) EmptyCall(ctx context.Context, _ *testgrpc.Empty) (*testgrpc.Empty, error) {
	if err := pause(ctx, s.work.draw()); err != nil {
		return nil, err
	}
	return &testgrpc.Empty{}, nil
}

// UnaryCall waits and answers with response_size bytes.
func (s *Service) UnaryCall(ctx context.Context, req *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	payload, err := payload(req.GetResponseSize())
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, s.work.draw()); err != nil {
		return nil, err
	}
	return &testgrpc.SimpleResponse{Payload: payload}, nil
}

func payload(size int32) (*testgrpc.Payload, error) {
	if size < 0 || size > MaxResponse {
		return nil, status.Errorf(codes.InvalidArgument, "response size %d is not between 0 and %d", size, MaxResponse)
	}
	return &testgrpc.Payload{Body: make([]byte, size)}, nil
}

// pause returns nil after d, or the status of ctx when that ends first.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}
