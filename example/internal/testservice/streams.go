// SPDX-License-Identifier: Apache-2.0

package testservice

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/interceptor"
)

// beat is the time between two messages of a StreamingOutputCall without an end.
const beat = 100 * time.Millisecond

// errTold ends a stream because the server is going; the client sees a clean end.
var errTold = errors.New("testservice: the server is going offline")

// StreamingOutputCall sends one message for each of the request's response parameters. A request
// without any has no end: a message follows every 100 ms until the client cancels or the server is
// told to end its streams; then the stream ends with OK.
func (s *Service) StreamingOutputCall(req *testgrpc.StreamingOutputCallRequest, stream grpc.ServerStreamingServer[testgrpc.StreamingOutputCallResponse]) error {
	if len(req.GetResponseParameters()) > 0 {
		return clean(respond(stream.Context(), req, stream.Send))
	}
	for {
		if err := stream.Send(&testgrpc.StreamingOutputCallResponse{Payload: req.GetPayload()}); err != nil {
			return err
		}
		if err := wait(stream.Context(), beat); err != nil {
			return clean(err)
		}
	}
}

// FullDuplexCall answers every request: with one message for each of its response parameters, or with
// its own payload when it has none. It ends with OK when the client has sent its last request or when
// the server is told to end its streams.
func (s *Service) FullDuplexCall(stream grpc.BidiStreamingServer[testgrpc.StreamingOutputCallRequest, testgrpc.StreamingOutputCallResponse]) error {
	ctx := stream.Context()
	requests := make(chan *testgrpc.StreamingOutputCallRequest)
	received := make(chan error, 1)
	// Recv cannot be woken by a channel, so it has a goroutine of its own. grpc ends the stream's
	// context once this handler has returned; that ends the goroutine too.
	go func() {
		for {
			req, err := stream.Recv()
			if err != nil {
				received <- err
				return
			}
			select {
			case requests <- req:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case req := <-requests:
			if err := answer(ctx, req, stream.Send); err != nil {
				return clean(err)
			}
		case err := <-received:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case <-interceptor.Draining(ctx):
			return nil
		}
	}
}

type send func(*testgrpc.StreamingOutputCallResponse) error

func answer(ctx context.Context, req *testgrpc.StreamingOutputCallRequest, send send) error {
	if len(req.GetResponseParameters()) > 0 {
		return respond(ctx, req, send)
	}
	return send(&testgrpc.StreamingOutputCallResponse{Payload: req.GetPayload()})
}

func respond(ctx context.Context, req *testgrpc.StreamingOutputCallRequest, send send) error {
	for _, parameters := range req.GetResponseParameters() {
		if err := wait(ctx, time.Duration(parameters.GetIntervalUs())*time.Microsecond); err != nil {
			return err
		}
		payload, err := payload(parameters.GetSize())
		if err != nil {
			return err
		}
		if err := send(&testgrpc.StreamingOutputCallResponse{Payload: payload}); err != nil {
			return err
		}
	}
	return nil
}

// wait returns nil after d, errTold when the server is told to end its streams, or the status of ctx.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-interceptor.Draining(ctx):
		return errTold
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

func clean(err error) error {
	if errors.Is(err, errTold) {
		return nil
	}
	return err
}
