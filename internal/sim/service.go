// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"time"

	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/interceptor"
)

// An order is what the client tells the handler to do, so that the schedule and not the server decides.
type order struct {
	call uint64
	work time.Duration // of a call; of a stream: what it takes to end once told
	life time.Duration // of a stream; 0 is for ever
	size int           // of the answer to a call
	deaf bool          // a call: does not listen to its context; a stream: does not heed being told
	numb bool          // a stream that goes on for a while although it was ended
	recv bool          // a stream whose handler sits in Recv
}

func (o order) payload() *testpb.Payload {
	b := binary.BigEndian.AppendUint64(nil, o.call)
	for _, n := range []int64{int64(o.work), int64(o.life), int64(o.size)} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return &testpb.Payload{Body: append(b, flag(o.deaf), flag(o.numb))}
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func readOrder(p *testpb.Payload) order {
	b := p.GetBody()
	number := func(n int) int64 { return int64(binary.BigEndian.Uint64(b[8*n:])) }
	return order{
		call: uint64(number(0)), work: time.Duration(number(1)), life: time.Duration(number(2)), size: int(number(3)),
		deaf: b[32] == 1, numb: b[33] == 1,
	}
}

// answer says whose call was answered by whom.
func (s *service) answer(o order) *testpb.Payload {
	p := order{call: o.call, work: time.Duration(s.instance)}.payload()
	p.Body = append(p.Body, make([]byte, o.size)...)
	return p
}

const (
	streamBeat = time.Second // between two messages
	numbness   = 20 * time.Second
)

// A service is what an instance serves; every entry into a handler is written down.
type service struct {
	testpb.UnimplementedTestServiceServer
	history  *history
	instance int
}

func (s *service) UnaryCall(ctx context.Context, req *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	o := readOrder(req.GetPayload())
	e := s.history.enter(o, false, s.instance)
	defer s.history.stamp(&e.end)
	switch {
	case o.deaf:
		time.Sleep(o.work)
	case !sleep(ctx, o.work):
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	return &testpb.SimpleResponse{Payload: s.answer(o)}, nil
}

func (s *service) StreamingOutputCall(req *testpb.StreamingOutputCallRequest, stream testpb.TestService_StreamingOutputCallServer) error {
	o := readOrder(req.GetPayload())
	e := s.history.enter(o, true, s.instance)
	defer s.history.stamp(&e.end)
	ctx := stream.Context()
	told := interceptor.Draining(ctx)
	if o.deaf {
		told = nil
	}
	var over <-chan time.Time
	if o.life > 0 {
		over = time.After(o.life)
	}
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	for {
		if err := stream.Send(&testpb.StreamingOutputCallResponse{Payload: s.answer(o)}); err != nil {
			o.linger()
			return err
		}
		select {
		case <-beat.C:
		case <-over:
			return nil
		case <-told:
			s.history.stamp(&e.told)
			told, over = nil, time.After(o.work)
		case <-ctx.Done():
			o.linger()
			return status.FromContextError(ctx.Err()).Err()
		}
	}
}

const orderKey = "order-bin" // the order of a stream without a request

// FullDuplexCall sits in Recv until the client has no more to say, whatever it is told.
func (s *service) FullDuplexCall(stream testpb.TestService_FullDuplexCallServer) error {
	o := readOrder(&testpb.Payload{Body: []byte(metadata.ValueFromIncomingContext(stream.Context(), orderKey)[0])})
	o.deaf, o.recv = true, true
	e := s.history.enter(o, true, s.instance)
	defer s.history.stamp(&e.end)
	err := stream.Send(&testpb.StreamingOutputCallResponse{Payload: s.answer(o)})
	for err == nil {
		_, err = stream.Recv()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	o.linger()
	return err
}

// linger is what a numb handler does when it was ended.
func (o order) linger() {
	if o.numb {
		time.Sleep(numbness)
	}
}
