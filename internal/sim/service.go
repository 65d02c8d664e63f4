// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"encoding/binary"
	"time"

	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/interceptor"
)

// An order is what the client tells the handler to do, so that the schedule and not the server decides.
type order struct {
	call uint64
	work time.Duration // of a call; of a stream: what it takes to end once told
	deaf bool          // a call: does not listen to its context; a stream: does not heed being told
	life time.Duration // of a stream; 0 is for ever
	numb bool          // a stream that goes on for a while although it was ended
}

func (o order) payload() *testpb.Payload {
	b := binary.BigEndian.AppendUint64(nil, o.call)
	b = binary.BigEndian.AppendUint64(b, uint64(o.work))
	b = binary.BigEndian.AppendUint64(b, uint64(o.life))
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
	return order{
		call: binary.BigEndian.Uint64(b),
		work: time.Duration(binary.BigEndian.Uint64(b[8:])),
		life: time.Duration(binary.BigEndian.Uint64(b[16:])),
		deaf: b[24] == 1, numb: b[25] == 1,
	}
}

const (
	streamBeat = time.Second // between two messages
	numbness   = 20 * time.Second
)

// A service is what an instance serves; every entry into a handler is written down.
type service struct {
	testpb.UnimplementedTestServiceServer
	book     *book
	instance int
}

func (s *service) UnaryCall(ctx context.Context, req *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	o := readOrder(req.GetPayload())
	defer s.book.enter(o.call, false, s.instance)()
	switch {
	case o.deaf:
		time.Sleep(o.work)
	case !sleep(ctx, o.work):
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	return &testpb.SimpleResponse{Payload: order{call: o.call, work: time.Duration(s.instance)}.payload()}, nil
}

func (s *service) StreamingOutputCall(req *testpb.StreamingOutputCallRequest, stream testpb.TestService_StreamingOutputCallServer) error {
	o := readOrder(req.GetPayload())
	defer s.book.enter(o.call, true, s.instance)()
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
	answer := &testpb.StreamingOutputCallResponse{Payload: order{call: o.call, work: time.Duration(s.instance)}.payload()}
	for {
		if err := stream.Send(answer); err != nil {
			if o.numb {
				time.Sleep(numbness)
			}
			return err
		}
		select {
		case <-beat.C:
		case <-over:
			return nil
		case <-told:
			told, over = nil, time.After(o.work)
		case <-ctx.Done():
			if o.numb {
				time.Sleep(numbness)
			}
			return status.FromContextError(ctx.Err()).Err()
		}
	}
}
